// The mathematics of learning from sampled answers (PPO, GRPO, RLOO), as plain tensor functions: masks, KL estimators,
// rewards per token, advantages, clipped losses. What is done to scores before that is in reward_shaping.h. No model, no
// I/O; the stages ppo and grpo call them. Losses are differentiable in their first argument, all else is a constant.
// Masks are bool, or numbers with 0 = not a token of the policy; what lies outside a mask may be anything, NaN included: it
// reaches no value and no gradient, and results there are 0. Half types are computed in float32. Nothing broadcasts: shapes
// that differ throw PluginError naming both.
// Shapes: B rows, R response positions.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>

#include "temper/error.h"
#include "temper/reward_shaping.h"

namespace temper {

// ---- Which tokens are the policy's. Their log-probabilities and entropy come from loss.h: token_log_probs().

struct ResponseMask {
  at::Tensor mask_BR;     ///< bool: real tokens, up to and with the first EOS
  at::Tensor lengths_B;   ///< int64, how many
  at::Tensor finished_B;  ///< bool: an EOS was found; false = truncated
};
/// Any of `eos_ids` ends an answer; the filler after it may be any id. `lengths_B` (int64, may be undefined) bounds rows
/// that were cut before R without an EOS. The EOS found must lie inside the bound.
TEMPER_API ResponseMask response_mask(const at::Tensor& tokens_BR, std::span<const std::int64_t> eos_ids,
                                      const at::Tensor& lengths_B = {});
/// Mean over the mask; 0, with zero gradient, over an empty one.
TEMPER_API at::Tensor masked_mean(const at::Tensor& values_BR, const at::Tensor& mask_BR);

// ---- KL between policy and reference, from tokens that the policy sampled (Schulman 2020, "Approximating KL divergence")

/// With d = log pi - log ref of the sampled token: kK1 d, kAbs |d|, kK2 d^2/2, kK3 exp(-d) - 1 + d (unbiased, >= 0).
enum class KlEstimator { kK1, kAbs, kK2, kK3 };
/// Per-token values; log them with masked_mean, so that what is reported is what is used. For a penalty in the reward pass
/// detached log-probabilities: k1 there gives the exact gradient of the reverse KL, through the policy gradient itself.
TEMPER_API at::Tensor kl_values(const at::Tensor& policy_BR, const at::Tensor& reference_BR, const at::Tensor& mask_BR,
                                KlEstimator estimator);
/// A KL term in the loss is differentiated through log pi while its samples stay fixed, so an estimator's gradient is not in
/// general that of what it estimates. On-policy, in expectation: d(k1) = 0 (no penalty at all); d(k2) = d * grad log pi, the
/// gradient of KL(pi||ref) per token given its prefix; d(k3) = (1 - exp(-d)) * grad log pi, the gradient of KL(ref||pi).
/// In later epochs over the same answers the samples are those of an older policy: weight the term by the ratio to it.
enum class KlGradient {
  kReverseKl,    ///< value of the estimator, gradient of k2 (straight-through): the right one for every estimator
  kOfEstimator,  ///< differentiates the formula (GRPO and TRL with kK3). ConfigError for kK1, which would penalise nothing.
};
TEMPER_API at::Tensor kl_loss(const at::Tensor& policy_BR, const at::Tensor& reference_BR, const at::Tensor& mask_BR,
                              KlEstimator estimator, KlGradient gradient = KlGradient::kReverseKl);

// ---- From scores to advantages. No gradients here.

/// -kl_coefficient * kl per token, plus the score at the last real token (the EOS if there is one). kl_BR may be undefined
/// (KL in the loss instead). A row without a token throws DataError: it has no place for its score.
TEMPER_API at::Tensor token_rewards(const at::Tensor& scores_B, const at::Tensor& kl_BR, const at::Tensor& mask_BR,
                                    double kl_coefficient);
struct Advantages {
  at::Tensor advantages_BR;
  at::Tensor returns_BR;  ///< advantages + values
};
/// Generalised advantage estimation (Schulman et al. 2016) over the tokens of the mask; masked ones between them are no
/// steps. `bootstrap_B` is the value after the last token of truncated rows and 0 for finished ones; undefined = every row
/// is terminal.
TEMPER_API Advantages generalised_advantages(const at::Tensor& rewards_BR, const at::Tensor& values_BR,
                                             const at::Tensor& mask_BR, double gamma, double lambda,
                                             const at::Tensor& bootstrap_B = {});
enum class Whitening {
  kZeroMean,   ///< (x - mean) / std
  kKeepMean,   ///< (x - mean) / std + mean: TRL's shift_mean=False
  kScaleOnly,  ///< x / std; DataError when the variance is 0
};
/// std = sqrt(variance + 1e-8) over the mask with `ddof` (TRL: 1). Where the variance is 0 or count <= ddof, x - mean is 0.
/// Give `moments` to use those of all ranks.
TEMPER_API at::Tensor whiten(const at::Tensor& values_BR, const at::Tensor& mask_BR, Whitening kind = Whitening::kZeroMean,
                             int ddof = 1, const std::optional<RunningMoments>& moments = {});
enum class GroupBaseline {
  kGrpo,    ///< (r - mean) / (std + eps) of the group (Shao et al. 2024); equal rewards give exactly 0
  kDrGrpo,  ///< r - mean (Liu et al. 2025)
  kRloo,    ///< r - mean of the others (Ahmadian et al. 2024) = kDrGrpo * G / (G - 1)
};
/// One advantage per answer. The `group_size` answers of a prompt are adjacent rows; ConfigError below 2 or not dividing B.
TEMPER_API at::Tensor group_advantages(const at::Tensor& scores_B, std::int64_t group_size, GroupBaseline kind, int ddof = 1,
                                       double eps = 1e-4);

// ---- Losses, per token, and how they become one number

struct ClipRange {
  double low = 0.2, high = 0.2;  ///< ratio is clipped to [1 - low, 1 + high]
};
/// max(-A ratio, -A clip(ratio)), ratio = exp(log pi - log old) (Schulman et al. 2017). A is [B, R], or [B] for whole
/// answers.
TEMPER_API at::Tensor policy_loss(const at::Tensor& policy_BR, const at::Tensor& old_BR, const at::Tensor& advantages,
                                  const at::Tensor& mask_BR, const ClipRange& clip);
/// max((v - return)^2, (clip(v, old +- clip) - return)^2) / 2; without `clip` the plain half square.
TEMPER_API at::Tensor value_loss(const at::Tensor& values_BR, const at::Tensor& old_BR, const at::Tensor& returns_BR,
                                 const at::Tensor& mask_BR, std::optional<double> clip);
enum class Aggregation {
  kTokenMean,     ///< sum over all tokens / number of tokens (DAPO; TRL's ppo)
  kSequenceMean,  ///< mean over answers of the mean over their tokens (GRPO); an answer without tokens is not counted (TRL:
                  ///< is)
  kConstantLength,  ///< sum over all tokens / (B * length) (Dr. GRPO); every row counts
};
/// loss = sum / weight. Micro-batches and ranks add sums and weights before dividing: cutting a batch changes nothing.
struct WeightedLoss {
  at::Tensor sum;       ///< scalar, differentiable
  double weight = 0.0;  ///< tokens, answers, or B * length
};
TEMPER_API WeightedLoss aggregate(const at::Tensor& loss_BR, const at::Tensor& mask_BR, Aggregation kind,
                                  std::int64_t length = 0);

/// What an update did, over real tokens. Of no tokens: all 0.
struct UpdateStats {
  std::int64_t tokens = 0;
  double ratio = 0.0;                                    ///< mean
  double mean_ratio_error = 0.0, max_ratio_error = 0.0;  ///< of |ratio - 1|
  double approx_kl = 0.0, approx_kl_k2 = 0.0;            ///< KL(old||pi) by k3 and, as TRL's ppo reports, by k2
  double clip_low = 0.0, clip_high = 0.0;  ///< fractions with the gradient cut: ratio below with A < 0, above with A > 0
};
TEMPER_API UpdateStats update_stats(const at::Tensor& policy_BR, const at::Tensor& old_BR, const at::Tensor& advantages,
                                    const at::Tensor& mask_BR, const ClipRange& clip);
/// Fraction of real tokens whose clipped value error is the larger one.
TEMPER_API double value_clip_fraction(const at::Tensor& values_BR, const at::Tensor& old_BR, const at::Tensor& returns_BR,
                                      const at::Tensor& mask_BR, double clip);
/// 1 - var(returns - values) / var(returns) over real tokens; empty when returns do not vary.
TEMPER_API std::optional<double> explained_variance(const at::Tensor& values_BR, const at::Tensor& returns_BR,
                                                    const at::Tensor& mask_BR);

}  // namespace temper
