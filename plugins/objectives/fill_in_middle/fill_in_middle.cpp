// Marks, cuts and order of the three parts (see fill_in_middle.h).
#include "fill_in_middle.h"

#include <algorithm>
#include <utility>

#include "sequences.h"

namespace temper::fill_in_middle {

using namespace objectives;

namespace {

constexpr std::int64_t kMarks = 3;
/// Cutting between characters may split two tokens into several each; so many positions are kept free for them.
std::int64_t slack(std::int64_t length) { return std::min<std::int64_t>(8, length / 8); }

std::vector<std::int32_t> find_marks(const FillInMiddleParams& params, const Tokenizer& tokenizer) {
  const std::vector<std::string> given = {params.prefix_token, params.suffix_token, params.middle_token};
  std::vector<std::int32_t> marks;
  if (given != std::vector<std::string>(3)) {
    for (const auto& name : given) {
      marks.push_back(tokenizer.find_piece(name));
      if (marks.back() < 0) {
        throw ConfigError("objective fill_in_middle: the vocabulary has no token '" + name +
                          "'; prefix_token, suffix_token and middle_token must all be in it, or all be left out");
      }
    }
    return marks;
  }
  for (const auto& names : {std::vector<std::string>{"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"},
                            std::vector<std::string>{"<fim_prefix>", "<fim_suffix>", "<fim_middle>"}}) {
    marks.clear();
    for (const auto& name : names) marks.push_back(tokenizer.find_piece(name));
    if (std::find(marks.begin(), marks.end(), -1) == marks.end()) return marks;
  }
  require_sentinels(tokenizer, kMarks, "objective fill_in_middle, whose vocabulary has no tokens <|fim_prefix|>,");
  const auto sentinels = tokenizer.sentinel_ids();
  return {sentinels.begin(), sentinels.begin() + kMarks};
}

/// Two random places of 0 .. size, in order.
std::pair<std::size_t, std::size_t> two_places(std::size_t size, Rng& rng) {
  const auto a = static_cast<std::size_t>(rng.below(size + 1)), b = static_cast<std::size_t>(rng.below(size + 1));
  return {std::min(a, b), std::max(a, b)};
}

void append(std::vector<std::int64_t>& ids, const std::vector<std::int32_t>& more) {
  ids.insert(ids.end(), more.begin(), more.end());
}

Example causal(const Piece& piece) {
  Example example;
  example.ids.assign(piece.tokens.begin(), piece.tokens.end());
  example.labels.assign(example.ids.begin() + 1, example.ids.end());
  example.labels.push_back(piece.next >= 0 ? piece.next : kIgnoreLabel);
  if (piece.next < 0 && example.ids.size() > 1) {
    example.ids.pop_back();
    example.labels.pop_back();
  }
  return example;
}

}  // namespace

ParamTable<FillInMiddleParams> fill_in_middle_params() {
  using P = FillInMiddleParams;
  ParamTable<P> table;
  table.add("fim_rate", &P::fim_rate, "Share of texts that are rearranged; the others are trained on as they are.",
            {.min = 0, .max = 1});
  table.add("spm_rate", &P::spm_rate,
            "Share of these with the suffix in front (SPM); the others begin with the prefix (PSM).", {.min = 0, .max = 1});
  table.add("split", &P::split, "Where a text may be cut: between any two characters, or between tokens only.",
            {.choices = {"character", "token"}});
  table.add("loss", &P::loss, "Which part of a rearranged text is trained on.", {.choices = {"all", "middle"}});
  table.add("prefix_token", &P::prefix_token,
            "Token in front of the prefix; empty: <|fim_prefix|> if the vocabulary has it, else the first sentinel.");
  table.add("suffix_token", &P::suffix_token,
            "Token in front of the suffix; empty: <|fim_suffix|> if the vocabulary has it, else the second sentinel.");
  table.add("middle_token", &P::middle_token,
            "Token in front of the middle; empty: <|fim_middle|> if the vocabulary has it, else the third sentinel.");
  table.require(
      [](const P& p) {
        return p.prefix_token.empty() == p.suffix_token.empty() && p.prefix_token.empty() == p.middle_token.empty();
      },
      "prefix_token, suffix_token and middle_token must be given together or not at all");
  return table;
}

FillInMiddle::FillInMiddle(const FillInMiddleParams& params, const Objective::Args& args)
    : params_(params), tokenizer_(*args.tokenizer) {
  if (args.encoder_decoder) {
    throw ConfigError(
        "objective fill_in_middle needs a decoder-only architecture; an encoder-decoder learns the same from objective "
        "span_corruption");
  }
  const auto marks = find_marks(params, tokenizer_);
  prefix_ = marks[0];
  suffix_ = marks[1];
  middle_ = marks[2];
}

std::int64_t FillInMiddle::piece_length(std::int64_t context) const {
  // Three marks, and EOS as a label only. A causal text of this length fits as well.
  const std::int64_t kept_free = params_.split == "character" ? slack(context) : 0;
  return std::max<std::int64_t>(1, context - kMarks - kept_free);
}

Example FillInMiddle::example(const Piece& piece, Rng& rng) const {
  if (rng.uniform() >= params_.fim_rate) return causal(piece);
  const Bare bare = bare_piece(piece, tokenizer_);
  if (bare.tokens.empty()) return to_example({}, false, tokenizer_);
  const bool suffix_first = rng.uniform() < params_.spm_rate;
  std::optional<Parts> parts;
  if (params_.split == "character") parts = split_characters(bare.tokens, rng);
  if (!parts) parts = split_tokens(bare.tokens, rng);
  return arrange(*parts, suffix_first, bare.bos);
}

FillInMiddle::Parts FillInMiddle::split_tokens(std::span<const std::int32_t> tokens, Rng& rng) const {
  const auto [first, second] = two_places(tokens.size(), rng);
  const auto part = [&](std::size_t begin, std::size_t end) { return Ids(tokens.begin() + begin, tokens.begin() + end); };
  return {part(0, first), part(first, second), part(second, tokens.size())};
}

std::optional<FillInMiddle::Parts> FillInMiddle::split_characters(std::span<const std::int32_t> tokens, Rng& rng) const {
  const std::string text = tokenizer_.decode(Ids(tokens.begin(), tokens.end()));
  if (text.find("\xEF\xBF\xBD") != std::string::npos) return std::nullopt;
  std::vector<std::size_t> characters;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) characters.push_back(i);
  }
  characters.push_back(text.size());
  const auto [first, second] = two_places(characters.size() - 1, rng);
  const auto part = [&](std::size_t begin, std::size_t end) {
    return tokenizer_.encode(std::string_view(text).substr(characters[begin], characters[end] - characters[begin]));
  };
  Parts parts{part(0, first), part(first, second), part(second, characters.size() - 1)};
  // Rarely the parts take more tokens than there is room for; then the cut is between tokens.
  const auto total = static_cast<std::int64_t>(parts.prefix.size() + parts.middle.size() + parts.suffix.size());
  const auto before = static_cast<std::int64_t>(tokens.size());
  if (total > before + slack(before)) return std::nullopt;
  return parts;
}

Example FillInMiddle::arrange(const Parts& parts, bool suffix_first, bool bos) const {
  std::vector<std::int64_t> all;
  if (bos) all.push_back(tokenizer_.bos_id());
  all.push_back(prefix_);
  if (!suffix_first) append(all, parts.prefix);
  all.push_back(suffix_);
  append(all, parts.suffix);
  all.push_back(middle_);
  if (suffix_first) append(all, parts.prefix);
  const std::size_t front = all.size();
  append(all, parts.middle);
  all.push_back(tokenizer_.eos_ids().front());

  Example example;
  example.ids.assign(all.begin(), all.end() - 1);
  example.labels.assign(all.begin() + 1, all.end());
  // The first label would be a mark that nobody has to predict, and a text without one is never cut between rows.
  const std::size_t untrained = params_.loss == "middle" ? front - 1 : 1;
  std::fill_n(example.labels.begin(), untrained, kIgnoreLabel);
  if (params_.loss == "middle") example.prefix = static_cast<std::int64_t>(front);
  return example;
}

}  // namespace temper::fill_in_middle
