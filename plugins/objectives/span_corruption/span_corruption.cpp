// Lengths and examples of span corruption (see span_corruption.h).
#include "span_corruption.h"

#include "sequences.h"

namespace temper::span_corruption {

using namespace objectives;

ParamTable<SpanCorruptionParams> span_corruption_params() {
  using P = SpanCorruptionParams;
  ParamTable<P> table;
  table.add("noise_density", &P::noise_density, "Share of a text's tokens that are removed.", {.min = 0.01, .max = 0.9});
  table.add("mean_span_length", &P::mean_span_length, "Mean length of the spans that they are removed in.",
            {.min = 1, .max = 1000, .unit = "tokens"});
  return table;
}

SpanCorruption::SpanCorruption(const SpanCorruptionParams& params, const Objective::Args& args)
    : noise_{params.noise_density, params.mean_span_length},
      tokenizer_(*args.tokenizer),
      encoder_decoder_(args.encoder_decoder),
      sentinels_(args.tokenizer->sentinel_ids()) {
  require_sentinels(tokenizer_, 1, "objective span_corruption");
}

std::int64_t SpanCorruption::piece_length(std::int64_t context) const {
  const std::int64_t length = longest_text(noise_, [&](const SideLengths& sides) {
    return sides.source <= context && decoder_length(sides.source, sides.target, encoder_decoder_) <= context;
  });
  require_sentinels(tokenizer_, span_counts(length, noise_).spans,
                    "objective span_corruption at a context of " + std::to_string(context), ", or lower context");
  return length;
}

Example SpanCorruption::example(const Piece& piece, Rng& rng) const {
  const Bare bare = bare_piece(piece, tokenizer_);
  // A decoder-only model's sequence begins with BOS where its document does, as in tuning and generation.
  const bool keep_bos = bare.bos && !encoder_decoder_;
  const auto mask = random_mask(static_cast<std::int64_t>(bare.tokens.size()), noise_, rng);
  if (span_counts(static_cast<std::int64_t>(bare.tokens.size()), noise_).spans == 0) {
    return to_example({}, encoder_decoder_, tokenizer_);
  }
  Pair pair{replace_runs(bare.tokens, mask, sentinels_), replace_runs(bare.tokens, complement(mask), sentinels_)};
  if (keep_bos) pair.source.insert(pair.source.begin(), tokenizer_.bos_id());
  pair.source.push_back(tokenizer_.eos_ids().front());
  pair.target.push_back(tokenizer_.eos_ids().front());
  return to_example(pair, encoder_decoder_, tokenizer_);
}

}  // namespace temper::span_corruption
