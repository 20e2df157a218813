// The linear read-out that makes a model a reward model: one number a dimension (helpfulness, safety) at the last real
// token of an answer, and how the dimensions become one. Kept with the checkpoint as extras; the normalisation is folded
// into its weights, so that whoever reads it cannot forget it or apply it twice (P-RM-06).
// Shapes: B rows, T positions, D width, K dimensions.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "temper/architecture.h"
#include "temper/preference.h"
#include "temper/train.h"

namespace temper::stages {

struct RewardHead {
  at::Tensor weight_KD, bias_K;
  std::vector<std::string> dimensions;   ///< one a row; a single "reward" where the data has no dimensions
  std::vector<double> weights;           ///< of the combination
  std::string combine = "weighted_sum";  ///< or "minimum" of the weighted dimensions
  std::string prompt_template;           ///< that it was trained with

  std::int64_t index_of(const std::string& dimension) const;  ///< -1 if there is none
  /// rewards_BK at the positions last_N among all of a batch (see dialogues.h). Differentiable.
  at::Tensor read(const at::Tensor& hidden_BTD, const at::Tensor& last_N) const;
  at::Tensor combined(const at::Tensor& rewards_BK) const;
  void normalise(std::int64_t dimension, const RewardNormalisation& normalisation);
  std::vector<NamedParameter> parameters() const;
  /// As extras of a checkpoint, with `facts_json` beside it for people.
  StateDict save(const std::string& facts_json) const;
};

/// Weights drawn with standard deviation 1 / sqrt(D + 1), biases 0 (Stiennon et al., 2020).
RewardHead fresh_head(std::int64_t width, std::vector<std::string> dimensions, std::uint64_t seed,
                      c10::Device device = c10::kCPU);
/// Throws ConfigError if the stage kept no reward head.
RewardHead load_head(const StateDict& extras, const std::string& stage);

/// The weight [1, D] of a read-out of one number a position, as critics have; drawn as above.
at::Tensor fresh_value_weight(std::int64_t width, std::uint64_t seed);

}  // namespace temper::stages
