// Prefix language modelling: a text is split at a random place; the model reads what is before it in both directions and
// writes what is after it, token by token.
// Source: Liu et al., "Generating Wikipedia by summarizing long sequences" (2018); Raffel et al. (2020), section 3.2.1.
#pragma once

#include <cstdint>

#include "temper/objective.h"
#include "temper/params.h"

namespace temper::prefix_lm {

struct PrefixLmParams {
  double min_prefix = 0, max_prefix = 1;
};

ParamTable<PrefixLmParams> prefix_lm_params();

class PrefixLm final : public Objective {
 public:
  /// Throws ConfigError for a decoder-only model without prefix attention.
  PrefixLm(const PrefixLmParams& params, const Objective::Args& args);
  std::int64_t piece_length(std::int64_t context) const override { return context; }
  Example example(const Piece& piece, Rng& rng) const override;

 private:
  PrefixLmParams params_;
  const Tokenizer& tokenizer_;
  bool encoder_decoder_;
};

}  // namespace temper::prefix_lm
