// Masks, KL estimators, advantages and clipped losses. Everything outside a mask is replaced before it is used, not
// multiplied by zero after: padding may hold -inf log-probabilities, whose NaN would survive a product and a gradient.
// Shapes: B rows, R response positions, G answers of one prompt.
#include "temper/policy_gradient.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "temper/preference.h"
#include "tensor_checks.h"

namespace temper {
namespace {

constexpr double kWhiteningEps = 1e-8;

/// bool [B, R], checked against the shape that goes with it.
at::Tensor checked_mask(const char* function, const at::Tensor& values_BR, const at::Tensor& mask_BR) {
  require_dim(function, "first argument", values_BR, 2);
  require_shape(function, "mask_BR", mask_BR, values_BR.sizes());
  return as_mask(mask_BR);
}

/// policy - other over the mask, 0 elsewhere; differentiable in the policy.
at::Tensor log_ratio(const char* function, const char* name, const at::Tensor& policy_BR, const at::Tensor& other_BR,
                     const at::Tensor& mask_BR) {
  require_shape(function, name, other_BR, policy_BR.sizes());
  return keep_masked(mask_BR, as_float(policy_BR) - as_constant(other_BR));
}

at::Tensor estimate(const at::Tensor& d_BR, KlEstimator estimator) {
  switch (estimator) {
    case KlEstimator::kK1:
      return d_BR;
    case KlEstimator::kAbs:
      return d_BR.abs();
    case KlEstimator::kK2:
      return 0.5 * d_BR.square();
    case KlEstimator::kK3:
      return at::expm1(-d_BR) + d_BR;
  }
  throw PluginError("kl estimator " + std::to_string(static_cast<int>(estimator)) + " does not exist");
}

void check(const ClipRange& clip) {
  if (clip.low >= 0 && clip.low <= 1 && clip.high >= 0) return;
  throw ConfigError("the ratio is to be clipped by " + std::to_string(clip.low) + " below and " + std::to_string(clip.high) +
                    " above 1; the first has to lie in 0 to 1, the second at 0 or above");
}

void check_value_clip(double clip) {
  if (clip > 0) return;
  throw ConfigError("values are to be clipped to +-" + std::to_string(clip) + "; the bound has to be above 0");
}

/// Advantages of tokens, or of whole answers spread over their tokens, as constants and 0 outside the mask.
at::Tensor token_advantages(const char* function, const at::Tensor& advantages, const at::Tensor& mask_BR) {
  if (!advantages.defined() || advantages.dim() != 1) {
    require_shape(function, "advantages", advantages, mask_BR.sizes());
    return keep_masked(mask_BR, as_constant(advantages));
  }
  require_shape(function, "advantages", advantages, {mask_BR.size(0)});
  return keep_masked(mask_BR, as_constant(advantages).unsqueeze(1).expand_as(mask_BR));
}

struct ValueErrors {
  at::Tensor plain_BR, clipped_BR;  // squared
};
ValueErrors value_errors(const at::Tensor& values_BR, const at::Tensor& old_BR, const at::Tensor& returns_BR, double clip) {
  const at::Tensor near_BR = at::clamp(values_BR, old_BR - clip, old_BR + clip);
  return {(values_BR - returns_BR).square(), (near_BR - returns_BR).square()};
}

double scalar_mean(const at::Tensor& values_N) { return values_N.to(at::kDouble).mean().item<double>(); }

}  // namespace

ResponseMask response_mask(const at::Tensor& tokens_BR, std::span<const std::int64_t> eos_ids, const at::Tensor& lengths_B) {
  require_dim("response_mask", "tokens_BR", tokens_BR, 2);
  at::Tensor is_eos_BR = at::zeros_like(tokens_BR, tokens_BR.options().dtype(at::kBool));
  for (const std::int64_t id : eos_ids) is_eos_BR = is_eos_BR | (tokens_BR == id);
  at::Tensor inside_BR = at::ones_like(is_eos_BR);
  if (lengths_B.defined()) {
    require_shape("response_mask", "lengths_B", lengths_B, {tokens_BR.size(0)});
    if (((lengths_B < 0) | (lengths_B > tokens_BR.size(1))).any().item<bool>()) {
      throw PluginError("response_mask: a length lies outside 0 to " + std::to_string(tokens_BR.size(1)));
    }
    inside_BR = at::arange(tokens_BR.size(1), lengths_B.options()).unsqueeze(0) < lengths_B.unsqueeze(1);
    is_eos_BR = is_eos_BR & inside_BR;
  }
  const at::Tensor ends_so_far_BR = is_eos_BR.to(at::kLong).cumsum(1);
  ResponseMask result;
  // The first EOS itself is a token of the answer: masked is what has an EOS before it.
  result.mask_BR = inside_BR & (ends_so_far_BR - is_eos_BR.to(at::kLong) == 0);
  result.lengths_B = result.mask_BR.sum(1);
  result.finished_B = is_eos_BR.any(1);
  return result;
}

at::Tensor masked_mean(const at::Tensor& values_BR, const at::Tensor& mask_BR) {
  const at::Tensor mask = checked_mask("masked_mean", values_BR, mask_BR);
  return keep_masked(mask, as_float(values_BR)).sum() / mask.sum().clamp_min(1);
}

at::Tensor kl_values(const at::Tensor& policy_BR, const at::Tensor& reference_BR, const at::Tensor& mask_BR,
                     KlEstimator estimator) {
  const at::Tensor mask = checked_mask("kl_values", policy_BR, mask_BR);
  return estimate(log_ratio("kl_values", "reference_BR", policy_BR, reference_BR, mask), estimator);
}

at::Tensor kl_loss(const at::Tensor& policy_BR, const at::Tensor& reference_BR, const at::Tensor& mask_BR,
                   KlEstimator estimator, KlGradient gradient) {
  if (gradient == KlGradient::kOfEstimator && estimator == KlEstimator::kK1) {
    throw ConfigError(
        "k1 as a loss penalises nothing: the gradient of its estimate is 0 in expectation. "
        "Use the gradient of the reverse KL, another estimator, or k1 in the reward");
  }
  const at::Tensor mask = checked_mask("kl_loss", policy_BR, mask_BR);
  const at::Tensor d_BR = log_ratio("kl_loss", "reference_BR", policy_BR, reference_BR, mask);
  if (gradient == KlGradient::kOfEstimator) return estimate(d_BR, estimator);
  const at::Tensor k2_BR = estimate(d_BR, KlEstimator::kK2);
  return k2_BR - k2_BR.detach() + estimate(d_BR.detach(), estimator);
}

at::Tensor token_rewards(const at::Tensor& scores_B, const at::Tensor& kl_BR, const at::Tensor& mask_BR,
                         double kl_coefficient) {
  require_dim("token_rewards", "mask_BR", mask_BR, 2);
  require_shape("token_rewards", "scores_B", scores_B, {mask_BR.size(0)});
  const at::Tensor scores = as_constant(scores_B);
  at::Tensor rewards_BR = at::zeros(mask_BR.sizes(), scores.options());
  if (kl_BR.defined()) {
    require_shape("token_rewards", "kl_BR", kl_BR, mask_BR.sizes());
    rewards_BR.copy_(keep_masked(as_mask(mask_BR), as_constant(kl_BR) * -kl_coefficient));
  }
  return rewards_BR.scatter_add_(1, last_masked_index(mask_BR).unsqueeze(1), scores.unsqueeze(1));
}

Advantages generalised_advantages(const at::Tensor& rewards_BR, const at::Tensor& values_BR, const at::Tensor& mask_BR,
                                  double gamma, double lambda, const at::Tensor& bootstrap_B) {
  const at::Tensor mask = checked_mask("generalised_advantages", rewards_BR, mask_BR);
  require_shape("generalised_advantages", "values_BR", values_BR, rewards_BR.sizes());
  if (!(gamma >= 0 && gamma <= 1 && lambda >= 0 && lambda <= 1)) {
    throw ConfigError("gamma is " + std::to_string(gamma) + " and lambda " + std::to_string(lambda) +
                      "; both have to lie in 0 to 1");
  }
  const at::Tensor rewards = keep_masked(mask, as_constant(rewards_BR)), values = keep_masked(mask, as_constant(values_BR));
  Advantages result;
  result.advantages_BR = at::zeros_like(values);
  at::Tensor next_value_B = at::zeros({values.size(0)}, values.options());
  at::Tensor next_advantage_B = at::zeros_like(next_value_B);
  if (bootstrap_B.defined()) {
    require_shape("generalised_advantages", "bootstrap_B", bootstrap_B, {values.size(0)});
    next_value_B = as_constant(bootstrap_B).to(values.scalar_type());
  }
  for (std::int64_t t = values.size(1) - 1; t >= 0; --t) {
    const at::Tensor here_B = mask.select(1, t), value_B = values.select(1, t);
    const at::Tensor delta_B = rewards.select(1, t) + gamma * next_value_B - value_B;
    // A masked position is no step: what came after it stays the next of what came before it.
    next_advantage_B = at::where(here_B, delta_B + gamma * lambda * next_advantage_B, next_advantage_B);
    next_value_B = at::where(here_B, value_B, next_value_B);
    result.advantages_BR.select(1, t).copy_(next_advantage_B);
  }
  result.advantages_BR = keep_masked(mask, result.advantages_BR);
  result.returns_BR = result.advantages_BR + values;
  return result;
}

at::Tensor whiten(const at::Tensor& values_BR, const at::Tensor& mask_BR, Whitening kind, int ddof,
                  const std::optional<RunningMoments>& moments) {
  const at::Tensor mask = checked_mask("whiten", values_BR, mask_BR);
  const at::Tensor values = keep_masked(mask, as_constant(values_BR));
  RunningMoments used = moments.value_or(RunningMoments());
  if (!moments) used.add(values.masked_select(mask));
  if (used.count == 0) return values;
  const double deviation = used.standard_deviation(ddof);
  const double scale = 1 / std::sqrt(deviation * deviation + kWhiteningEps);
  if (kind == Whitening::kScaleOnly) {
    if (deviation > 0) return values * scale;
    throw DataError("whiten: " + std::to_string(static_cast<std::int64_t>(used.count)) +
                    " value(s) without variance cannot be scaled by their deviation");
  }
  const double shift = kind == Whitening::kKeepMean ? used.mean : 0.0;
  return keep_masked(mask, (values - used.mean) * scale + shift);
}

at::Tensor group_advantages(const at::Tensor& scores_B, std::int64_t group_size, GroupBaseline kind, int ddof, double eps) {
  require_dim("group_advantages", "scores_B", scores_B, 1);
  if (group_size < 2 || scores_B.size(0) % group_size != 0) {
    throw ConfigError("groups of " + std::to_string(group_size) + " answers out of " + std::to_string(scores_B.size(0)) +
                      "; a group needs at least 2, and groups have to divide the batch");
  }
  const at::Tensor scores = as_constant(scores_B);
  const at::Tensor scores_PG = scores.to(at::kDouble).view({-1, group_size});
  at::Tensor advantages_PG = scores_PG - scores_PG.mean(1, true);
  if (kind == GroupBaseline::kRloo) {
    const auto others = static_cast<double>(group_size - 1);
    advantages_PG = scores_PG - (scores_PG.sum(1, true) - scores_PG) / others;
  }
  if (kind == GroupBaseline::kGrpo) {
    advantages_PG = advantages_PG / (scores_PG.std(1, std::optional<at::Scalar>(ddof), true) + eps);
  }
  // The mean of equal numbers need not be that number; eps would then blow the rounding up.
  const at::Tensor equal_P1 = scores_PG.amax(1, true) == scores_PG.amin(1, true);
  return at::where(equal_P1, 0.0, advantages_PG).view({-1}).to(scores.scalar_type());
}

at::Tensor policy_loss(const at::Tensor& policy_BR, const at::Tensor& old_BR, const at::Tensor& advantages,
                       const at::Tensor& mask_BR, const ClipRange& clip) {
  check(clip);
  const at::Tensor mask = checked_mask("policy_loss", policy_BR, mask_BR);
  const at::Tensor ratio_BR = log_ratio("policy_loss", "old_BR", policy_BR, old_BR, mask).exp();
  const at::Tensor cost_BR = -token_advantages("policy_loss", advantages, mask);
  return at::maximum(cost_BR * ratio_BR, cost_BR * ratio_BR.clamp(1 - clip.low, 1 + clip.high));
}

at::Tensor value_loss(const at::Tensor& values_BR, const at::Tensor& old_BR, const at::Tensor& returns_BR,
                      const at::Tensor& mask_BR, std::optional<double> clip) {
  const at::Tensor mask = checked_mask("value_loss", values_BR, mask_BR);
  require_shape("value_loss", "old_BR", old_BR, values_BR.sizes());
  require_shape("value_loss", "returns_BR", returns_BR, values_BR.sizes());
  const at::Tensor values = keep_masked(mask, as_float(values_BR)), returns = keep_masked(mask, as_constant(returns_BR));
  if (!clip) return 0.5 * (values - returns).square();
  check_value_clip(*clip);
  const ValueErrors errors = value_errors(values, keep_masked(mask, as_constant(old_BR)), returns, *clip);
  return 0.5 * at::maximum(errors.plain_BR, errors.clipped_BR);
}

WeightedLoss aggregate(const at::Tensor& loss_BR, const at::Tensor& mask_BR, Aggregation kind, std::int64_t length) {
  const at::Tensor mask = checked_mask("aggregate", loss_BR, mask_BR);
  const at::Tensor loss = keep_masked(mask, as_float(loss_BR));
  if (kind == Aggregation::kTokenMean) return {loss.sum(), mask.sum().item<double>()};
  if (kind == Aggregation::kConstantLength) {
    if (length < 1) throw ConfigError("losses over a constant length need one above 0, given " + std::to_string(length));
    return {loss.sum(), static_cast<double>(loss.size(0)) * static_cast<double>(length)};
  }
  const at::Tensor tokens_B = mask.sum(1);
  return {(loss.sum(1) / tokens_B.clamp_min(1)).sum(), (tokens_B > 0).sum().item<double>()};
}

UpdateStats update_stats(const at::Tensor& policy_BR, const at::Tensor& old_BR, const at::Tensor& advantages,
                         const at::Tensor& mask_BR, const ClipRange& clip) {
  check(clip);
  const at::Tensor mask = checked_mask("update_stats", policy_BR, mask_BR);
  const at::Tensor log_ratio_BR = log_ratio("update_stats", "old_BR", policy_BR.detach(), old_BR, mask);
  const at::Tensor log_ratio_N = log_ratio_BR.masked_select(mask).to(at::kDouble);
  const at::Tensor advantages_N = token_advantages("update_stats", advantages, mask).masked_select(mask);
  UpdateStats stats;
  stats.tokens = log_ratio_N.size(0);
  if (stats.tokens == 0) return stats;
  const at::Tensor ratio_N = log_ratio_N.exp();
  stats.ratio = scalar_mean(ratio_N);
  const at::Tensor error_N = (ratio_N - 1).abs();
  stats.mean_ratio_error = scalar_mean(error_N);
  stats.max_ratio_error = error_N.max().item<double>();
  // The tokens are samples of the old policy, so here d = log old - log pi.
  stats.approx_kl = scalar_mean(estimate(-log_ratio_N, KlEstimator::kK3));
  stats.approx_kl_k2 = scalar_mean(estimate(-log_ratio_N, KlEstimator::kK2));
  stats.clip_low = scalar_mean((ratio_N < 1 - clip.low) & (advantages_N < 0));
  stats.clip_high = scalar_mean((ratio_N > 1 + clip.high) & (advantages_N > 0));
  return stats;
}

double value_clip_fraction(const at::Tensor& values_BR, const at::Tensor& old_BR, const at::Tensor& returns_BR,
                           const at::Tensor& mask_BR, double clip) {
  check_value_clip(clip);
  const at::Tensor mask = checked_mask("value_clip_fraction", values_BR, mask_BR);
  require_shape("value_clip_fraction", "old_BR", old_BR, values_BR.sizes());
  require_shape("value_clip_fraction", "returns_BR", returns_BR, values_BR.sizes());
  const ValueErrors errors = value_errors(as_constant(values_BR), as_constant(old_BR), as_constant(returns_BR), clip);
  const at::Tensor clipped_N = (errors.clipped_BR > errors.plain_BR).masked_select(mask);
  return clipped_N.size(0) == 0 ? 0.0 : scalar_mean(clipped_N);
}

std::optional<double> explained_variance(const at::Tensor& values_BR, const at::Tensor& returns_BR,
                                         const at::Tensor& mask_BR) {
  const at::Tensor mask = checked_mask("explained_variance", values_BR, mask_BR);
  require_shape("explained_variance", "returns_BR", returns_BR, values_BR.sizes());
  const at::Tensor returns_N = returns_BR.detach().masked_select(mask).to(at::kDouble);
  if (returns_N.size(0) == 0 || returns_N.max().item<double>() == returns_N.min().item<double>()) return std::nullopt;
  const at::Tensor errors_N = returns_N - values_BR.detach().masked_select(mask).to(at::kDouble);
  return 1 - (errors_N.var(0, false) / returns_N.var(0, false)).item<double>();
}

}  // namespace temper
