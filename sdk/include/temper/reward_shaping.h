// What is done to the scores of sampled answers before they become rewards: penalties for answers without an end or too
// long, scaling and clipping with what was applied, and the controller of the KL coefficient that is weighed against them.
// The stages ppo, grpo and best_of_n call these. No gradients: results are detached. Running states are plain values that
// save themselves as one line of text and come back bit for bit. Half types are computed in float32; shapes must match
// exactly (PluginError).
// Shapes: B rows (answers).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "temper/error.h"

namespace temper {

enum class MissingEos { kNone, kSubtract, kReplace };  ///< score unchanged; score - penalty; -penalty in place of the score
/// `finished_B` is bool. The penalty is >= 0, else ConfigError.
TEMPER_API at::Tensor penalise_missing_eos(const at::Tensor& scores_B, const at::Tensor& finished_B, MissingEos kind,
                                           double penalty);
/// min(limit, per_token * max(0, length - free_tokens)), to be subtracted from scores. With per_token = limit / cache and
/// free_tokens = R - cache it is DAPO's soft overlong punishment (Yu et al. 2025).
struct LengthPenalty {
  double per_token = 0.0;
  std::int64_t free_tokens = 0;
  double limit = std::numeric_limits<double>::infinity();
};
TEMPER_API at::Tensor length_penalty(const at::Tensor& lengths_B, const LengthPenalty& penalty);  ///< float32, >= 0

/// Count, mean and sum of squared deviations of all values seen; moments of parts (ranks, batches) combine to those of the
/// whole (Chan et al. 1983). A value that is not finite throws DataError and changes nothing.
struct RunningMoments {
  double count = 0.0, mean = 0.0, squares = 0.0;
  TEMPER_API void add(const at::Tensor& values);
  TEMPER_API void add(const RunningMoments& other);
  TEMPER_API double standard_deviation(int ddof = 1) const;           ///< 0 while count <= ddof
  TEMPER_API std::string save() const;                                ///< one line of text; restore() gives the same bits
  TEMPER_API static RunningMoments restore(const std::string& text);  ///< DataError if it is not what save() wrote
};
struct RewardShaping {
  bool scale = false;          ///< divide by the running standard deviation (ddof 1), this batch included; the mean is kept
  std::optional<double> clip;  ///< then clip to +-clip (after scaling)
};
struct ShapedScores {
  at::Tensor scores_B;
  double divisor = 1.0;  ///< 1 when not scaled, or while the deviation is 0
  std::int64_t clipped_low = 0, clipped_high = 0;
};
/// Adds the batch to `seen` when it scales (with several ranks give the scores of all, so that every rank divides alike).
TEMPER_API ShapedScores shape_scores(const at::Tensor& scores_B, const RewardShaping& shaping, RunningMoments& seen);

/// The coefficient of the KL penalty. Without `target` it is fixed; with one (Ziegler et al. 2019) each update multiplies it
/// by 1 + clip(kl / target - 1, -0.2, 0.2) * answers / horizon, kl being the mean over answers of the sum over their tokens.
struct KlController {
  double coefficient = 0.2;
  std::optional<double> target;
  double horizon = 10000.0;
  TEMPER_API void update(double kl, double answers);  ///< a non-finite kl throws DataError and changes nothing
  TEMPER_API std::string save() const;                ///< one line of text; restore() gives the same bits
  TEMPER_API static KlController restore(const std::string& text);
};

}  // namespace temper
