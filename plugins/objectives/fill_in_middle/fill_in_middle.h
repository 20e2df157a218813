// Fill in the middle: some texts are cut in three and written as prefix, suffix, middle, so that a causal model learns to
// write what belongs between two given parts. The others are trained on as they are, as in causal_lm.
// Source: Bavarian et al., "Efficient training of language models to fill in the middle" (2022), sections 3 and 4.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "temper/objective.h"
#include "temper/params.h"

namespace temper::fill_in_middle {

struct FillInMiddleParams {
  double fim_rate = 0.5;
  double spm_rate = 0.5;
  std::string split = "character";
  std::string loss = "all";
  std::string prefix_token, suffix_token, middle_token;
};

ParamTable<FillInMiddleParams> fill_in_middle_params();

class FillInMiddle final : public Objective {
 public:
  /// Throws ConfigError for an encoder-decoder, and if the vocabulary has no tokens to mark the three parts with.
  FillInMiddle(const FillInMiddleParams& params, const Objective::Args& args);
  std::int64_t piece_length(std::int64_t context) const override;
  Example example(const Piece& piece, Rng& rng) const override;

 private:
  using Ids = std::vector<std::int32_t>;
  struct Parts {
    Ids prefix, middle, suffix;
  };

  Parts split_tokens(std::span<const std::int32_t> tokens, Rng& rng) const;
  /// Nothing if the text has bytes that are no characters: what decode() makes of them would not be the text any more.
  std::optional<Parts> split_characters(std::span<const std::int32_t> tokens, Rng& rng) const;
  Example arrange(const Parts& parts, bool suffix_first, bool bos) const;

  FillInMiddleParams params_;
  const Tokenizer& tokenizer_;
  std::int32_t prefix_, suffix_, middle_;  ///< the tokens that mark the parts
};

}  // namespace temper::fill_in_middle
