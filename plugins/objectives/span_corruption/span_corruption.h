// Span corruption (T5): spans of a text are replaced by sentinels, and the model writes what was removed, each span behind
// its sentinel. For an encoder-decoder the corrupted text is the source; for a decoder-only model it is the prefix of one
// sequence.
// Source: Raffel et al., "Exploring the limits of transfer learning with a unified text-to-text transformer" (2020), 3.1.4.
#pragma once

#include <cstdint>
#include <vector>

#include "spans.h"
#include "temper/objective.h"
#include "temper/params.h"

namespace temper::span_corruption {

struct SpanCorruptionParams {
  double noise_density = 0.15;
  double mean_span_length = 3;
};

ParamTable<SpanCorruptionParams> span_corruption_params();

class SpanCorruption final : public Objective {
 public:
  /// Throws ConfigError if the tokenizer has no sentinels.
  SpanCorruption(const SpanCorruptionParams& params, const Objective::Args& args);
  /// Throws ConfigError if the tokenizer has fewer sentinels than a text of this length can have spans.
  std::int64_t piece_length(std::int64_t context) const override;
  Example example(const Piece& piece, Rng& rng) const override;

 private:
  objectives::Noise noise_;
  const Tokenizer& tokenizer_;
  bool encoder_decoder_;
  std::vector<std::int32_t> sentinels_;
};

}  // namespace temper::span_corruption
