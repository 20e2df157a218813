// Denoisers, lengths and examples of UL2 (see ul2.h).
#include "ul2.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <locale>
#include <sstream>

#include "sequences.h"

namespace temper::ul2 {

using namespace objectives;

namespace {

std::vector<Noise> parse_all(const std::vector<std::string>& texts) {
  std::vector<Noise> denoisers;
  for (const auto& text : texts) denoisers.push_back(parse_denoiser(text));
  return denoisers;
}

std::vector<std::int32_t> find_modes(const Ul2Params& params, const Tokenizer& tokenizer,
                                     std::vector<std::int32_t>& sentinels) {
  std::vector<std::int32_t> modes;
  if (params.mode_tokens == "sentinels") {
    require_sentinels(tokenizer, 4, "objective ul2 with mode_tokens: sentinels");
    modes.assign(sentinels.rbegin(), sentinels.rbegin() + 3);
    sentinels.resize(sentinels.size() - 3);
  }
  if (params.mode_tokens == "pieces") {
    for (const auto& piece : params.mode_pieces) {
      modes.push_back(tokenizer.find_piece(piece));
      if (modes.back() < 0) {
        throw ConfigError("objective ul2: the vocabulary has no token '" + piece +
                          "'; name its mode tokens in mode_pieces, or set mode_tokens to sentinels or none");
      }
    }
  }
  return modes;
}

}  // namespace

Noise parse_denoiser(const std::string& text) {
  Noise noise{0, 0};
  char colon = 0;
  std::istringstream stream(text);
  stream.imbue(std::locale::classic());
  stream >> noise.mean_span >> colon >> noise.density;
  const bool read = !stream.fail() && stream.peek() == std::istringstream::traits_type::eof() && colon == ':';
  if (!read || !(noise.mean_span >= 1 && noise.mean_span <= 1000) || !(noise.density >= 0.01 && noise.density <= 0.9)) {
    throw ConfigError("the denoiser '" + text +
                      "' is not MEAN_SPAN:DENSITY with a span from 1 to 1000 and a density from 0.01 to 0.9; write it like "
                      "8:0.15");
  }
  return noise;
}

ParamTable<Ul2Params> ul2_params() {
  using P = Ul2Params;
  ParamTable<P> table;
  table.add("r_denoisers", &P::r_denoisers,
            "Regular denoisers as MEAN_SPAN:DENSITY, one drawn a text: short spans, few of them.");
  table.add("x_denoisers", &P::x_denoisers, "Extreme denoisers as MEAN_SPAN:DENSITY: long spans or many.");
  table.add("s_density", &P::s_density,
            "Mean share of a text that the sequential denoiser removes from its end; drawn from 0 to twice this.",
            {.min = 0.01, .max = 0.5});
  table.add("r_rate", &P::r_rate, "Weight of regular denoising in the mixture.", {.min = 0, .max = 1000});
  table.add("s_rate", &P::s_rate, "Weight of sequential denoising.", {.min = 0, .max = 1000});
  table.add("x_rate", &P::x_rate, "Weight of extreme denoising.", {.min = 0, .max = 1000});
  table.add("mode_tokens", &P::mode_tokens,
            "What stands in front and says the kind of denoising: nothing, the last three sentinels, or mode_pieces.",
            {.choices = {"none", "sentinels", "pieces"}});
  table.add("mode_pieces", &P::mode_pieces,
            "With mode_tokens pieces: the tokens of R, S and X, as the vocabulary spells them.");
  table.require([](const P& p) { return p.r_rate + p.s_rate + p.x_rate > 0; },
                "one of r_rate, s_rate and x_rate must be above 0");
  table.require([](const P& p) { return p.mode_pieces.size() == 3; }, "mode_pieces must name three tokens: R, S and X");
  table.require(
      [](const P& p) { return (p.r_rate == 0 || !p.r_denoisers.empty()) && (p.x_rate == 0 || !p.x_denoisers.empty()); },
      "a rate above 0 needs at least one denoiser");
  table.require(
      [](const P& p) {
        parse_all(p.r_denoisers);
        parse_all(p.x_denoisers);
        return true;
      },
      "r_denoisers and x_denoisers must be like 8:0.15");
  return table;
}

Ul2::Ul2(const Ul2Params& params, const Objective::Args& args)
    : rates_{params.r_rate, params.s_rate, params.x_rate},
      s_density_(params.s_density),
      regular_(parse_all(params.r_denoisers)),
      extreme_(parse_all(params.x_denoisers)),
      tokenizer_(*args.tokenizer),
      encoder_decoder_(args.encoder_decoder),
      sentinels_(args.tokenizer->sentinel_ids()),
      modes_(find_modes(params, *args.tokenizer, sentinels_)) {
  if (!active().empty()) require_sentinels(tokenizer_, 1, "objective ul2");
}

std::vector<Noise> Ul2::active() const {
  std::vector<Noise> denoisers;
  if (rates_[0] > 0) denoisers.insert(denoisers.end(), regular_.begin(), regular_.end());
  if (rates_[2] > 0) denoisers.insert(denoisers.end(), extreme_.begin(), extreme_.end());
  return denoisers;
}

std::int64_t Ul2::piece_length(std::int64_t context) const {
  const std::int64_t mode = modes_.empty() ? 0 : 1;
  const auto denoisers = active();
  // The sequential denoiser keeps all tokens and may leave nearly all of them to one side.
  std::int64_t length = rates_[1] > 0 ? context - mode : std::numeric_limits<std::int64_t>::max();
  for (const auto& noise : denoisers) {
    length = std::min(length, longest_text(noise, [&](const SideLengths& sides) {
                        const std::int64_t source = sides.source + mode;
                        return source <= context && decoder_length(source, sides.target, encoder_decoder_) <= context;
                      }));
  }
  std::int64_t spans = 0;
  for (const auto& noise : denoisers) spans = std::max(spans, span_counts(length, noise).spans);
  const auto taken = static_cast<std::int64_t>(tokenizer_.sentinel_ids().size() - sentinels_.size());
  require_sentinels(tokenizer_, spans + taken, "objective ul2 at a context of " + std::to_string(context),
                    ", or lower context");
  return length;
}

Mode Ul2::draw_mode(Rng& rng) const {
  const double point = rng.uniform() * (rates_[0] + rates_[1] + rates_[2]);
  if (point < rates_[0]) return Mode::kRegular;
  if (point < rates_[0] + rates_[1]) return Mode::kSequential;
  if (rates_[2] > 0) return Mode::kExtreme;  // else the product above was rounded up
  return rates_[1] > 0 ? Mode::kSequential : Mode::kRegular;
}

void Ul2::put_mode(std::vector<std::int64_t>& source, Mode mode) const {
  if (modes_.empty()) return;
  const bool bos = !encoder_decoder_ && source.front() == tokenizer_.bos_id();
  source.insert(source.begin() + (bos ? 1 : 0), modes_[static_cast<std::size_t>(mode)]);
}

Example Ul2::example(const Piece& piece, Rng& rng) const {
  const Mode mode = draw_mode(rng);
  if (mode == Mode::kSequential) return sequential(piece, rng);
  const auto& denoisers = mode == Mode::kRegular ? regular_ : extreme_;
  return denoised(piece, denoisers[rng.below(denoisers.size())], mode, rng);
}

Example Ul2::sequential(const Piece& piece, Rng& rng) const {
  const auto length = static_cast<std::int64_t>(piece.tokens.size());
  if (length < 2) return to_example({}, encoder_decoder_, tokenizer_);
  const auto most = std::llround(2 * s_density_ * static_cast<double>(length));
  const std::int64_t longest = std::clamp<std::int64_t>(most, 1, length - 1);
  const std::int64_t removed = 1 + static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(longest)));
  Pair pair = split_pair(piece, length - removed, encoder_decoder_, tokenizer_);
  put_mode(pair.source, Mode::kSequential);
  return to_example(pair, encoder_decoder_, tokenizer_);
}

Example Ul2::denoised(const Piece& piece, const Noise& noise, Mode mode, Rng& rng) const {
  const Bare bare = bare_piece(piece, tokenizer_);
  const auto length = static_cast<std::int64_t>(bare.tokens.size());
  if (span_counts(length, noise).spans == 0) return to_example({}, encoder_decoder_, tokenizer_);
  const auto mask = random_mask(length, noise, rng);
  Pair pair{replace_runs(bare.tokens, mask, sentinels_), replace_runs(bare.tokens, complement(mask), sentinels_)};
  pair.source.push_back(tokenizer_.eos_ids().front());
  pair.target.push_back(tokenizer_.eos_ids().front());
  if (bare.bos && !encoder_decoder_) pair.source.insert(pair.source.begin(), tokenizer_.bos_id());
  put_mode(pair.source, mode);
  return to_example(pair, encoder_decoder_, tokenizer_);
}

}  // namespace temper::ul2
