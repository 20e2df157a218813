// Losses and numbers of learning from preferences. Log-sigmoids throughout, so that no reward difference overflows; every
// shape is checked, because a [P, 1] against a [P] would silently compare every pair with every other.
// Shapes: P pairs, B rows, T positions of a row, N values.
#include "temper/preference.h"

#include <algorithm>
#include <cmath>

#include "tensor_checks.h"

namespace temper {
namespace {

at::Tensor row_numbers(const at::Tensor& wrong_B) { return at::nonzero(wrong_B).flatten(); }

void require_no_nan(const char* function, const at::Tensor& values) {
  if (!at::isnan(values).any().item<bool>()) return;
  throw DataError(std::string(function) + ": " + std::to_string(at::isnan(values).sum().item<std::int64_t>()) + " of " +
                  std::to_string(values.numel()) + " rewards are not a number; the model that gave them has diverged");
}

at::Tensor reference_rewards(const char* function, const at::Tensor& rewards_N) {
  require_dim(function, "rewards_N", rewards_N, 1);
  if (rewards_N.size(0) == 0) throw DataError(std::string(function) + ": no rewards to fit a normalisation to");
  require_no_nan(function, rewards_N);
  return rewards_N.detach().to(at::kDouble);
}

/// Margins chosen - rejected, checked, in float64 on the CPU.
at::Tensor checked_margins(const char* function, const at::Tensor& chosen_P, const at::Tensor& rejected_P) {
  require_dim(function, "chosen_P", chosen_P, 1);
  require_shape(function, "rejected_P", rejected_P, chosen_P.sizes());
  const at::Tensor margin_P = chosen_P.detach().to(at::kDouble).sub(rejected_P.detach().to(at::kDouble)).cpu().contiguous();
  require_no_nan(function, margin_P);
  return margin_P;
}

void require_beta(const char* function, double beta) {
  if (beta > 0 && std::isfinite(beta)) return;
  throw ConfigError(std::string(function) + ": beta is " + std::to_string(beta) + ", it has to be above 0");
}

void check(const DpoSettings& settings) {
  require_beta("dpo_loss", settings.beta);
  const double smoothing = settings.label_smoothing;
  if (!(smoothing >= 0 && smoothing < 0.5)) {
    throw ConfigError("dpo_loss: label_smoothing is " + std::to_string(smoothing) + ", allowed are 0 to below 0.5");
  }
  const bool smoothed = settings.loss == DpoLoss::kSigmoid || settings.loss == DpoLoss::kRobust;
  if (!smoothed && smoothing != 0) {
    throw ConfigError("dpo_loss: label_smoothing is " + std::to_string(smoothing) +
                      ", but the losses ipo and hinge have none; set it to 0 or use sigmoid or robust");
  }
}

at::Tensor averaged(const at::Tensor& sum_P, const at::Tensor& tokens_P, const char* name) {
  require_shape("dpo_loss", name, tokens_P, sum_P.sizes());
  if ((tokens_P < 1).any().item<bool>()) {
    throw DataError(std::string("dpo_loss: ") + name + " has an answer without tokens; drop such pairs");
  }
  return sum_P / tokens_P.to(sum_P.scalar_type());
}

}  // namespace

at::Tensor last_token_index(const at::Tensor& lengths_B) {
  require_dim("last_token_index", "lengths_B", lengths_B, 1);
  const at::Tensor index_B = lengths_B.to(at::kLong) - 1;
  if (const at::Tensor wrong = row_numbers(index_B < 0); wrong.size(0) > 0) {
    throw DataError("last_token_index: row " + std::to_string(wrong[0].item<std::int64_t>()) +
                    " has no token, so it has no last one");
  }
  return index_B;
}

at::Tensor last_masked_index(const at::Tensor& mask_BT) {
  require_dim("last_masked_index", "mask_BT", mask_BT, 2);
  const std::int64_t positions = mask_BT.size(1);
  const at::Tensor number_T = at::arange(1, positions + 1, mask_BT.options().dtype(at::kLong).requires_grad(false));
  const at::Tensor none_B = at::zeros({mask_BT.size(0)}, number_T.options());
  return last_token_index(positions == 0 ? none_B : (as_mask(mask_BT) * number_T).amax(1));
}

at::Tensor values_at(const at::Tensor& values_BT, const at::Tensor& index_B) {
  require_dim("values_at", "values_BT", values_BT, 2);
  require_shape("values_at", "index_B", index_B, {values_BT.size(0)});
  if (index_B.numel() == 0) return as_float(values_BT).sum(1);
  const auto low = index_B.min().item<std::int64_t>(), high = index_B.max().item<std::int64_t>();
  if (low < 0 || high >= values_BT.size(1)) {
    throw PluginError("values_at: index " + std::to_string(low < 0 ? low : high) + " lies outside rows of " +
                      std::to_string(values_BT.size(1)) + " positions");
  }
  return as_float(values_BT).gather(1, index_B.to(at::kLong).unsqueeze(1)).squeeze(1);
}

at::Tensor masked_sum(const at::Tensor& values_BT, const at::Tensor& mask_BT) {
  require_dim("masked_sum", "values_BT", values_BT, 2);
  require_shape("masked_sum", "mask_BT", mask_BT, values_BT.sizes());
  return keep_masked(as_mask(mask_BT), as_float(values_BT)).sum(1);
}

std::int64_t kept_answer_tokens(std::int64_t prompt_tokens, std::int64_t answer_tokens, std::int64_t max_tokens) {
  return std::clamp<std::int64_t>(max_tokens - prompt_tokens, 0, std::max<std::int64_t>(answer_tokens, 0));
}

at::Tensor bradley_terry_loss(const at::Tensor& chosen_P, const at::Tensor& rejected_P, const at::Tensor& margin_P,
                              double centring) {
  require_dim("bradley_terry_loss", "chosen_P", chosen_P, 1);
  require_shape("bradley_terry_loss", "rejected_P", rejected_P, chosen_P.sizes());
  const at::Tensor chosen = as_float(chosen_P), rejected = as_float(rejected_P);
  at::Tensor difference_P = chosen - rejected;
  if (margin_P.defined()) {
    require_shape("bradley_terry_loss", "margin_P", margin_P, chosen_P.sizes());
    difference_P = difference_P - margin_P.detach().to(difference_P.scalar_type());
  }
  const at::Tensor loss_P = -at::log_sigmoid(difference_P);
  return centring == 0.0 ? loss_P : loss_P + centring * (chosen + rejected).square();
}

at::Tensor pair_weights(const at::Tensor& prompt_P) {
  require_dim("pair_weights", "prompt_P", prompt_P, 1);
  const auto [prompts, which_P, counts] = at::_unique2(prompt_P, true, true, true);
  return counts.to(at::kFloat).reciprocal().index_select(0, which_P);
}

PairAccuracy pair_accuracy(const at::Tensor& chosen_P, const at::Tensor& rejected_P) {
  const at::Tensor margin_P = checked_margins("pair_accuracy", chosen_P, rejected_P);
  PairAccuracy result;
  result.pairs = margin_P.size(0);
  if (result.pairs == 0) return result;
  const auto pairs = static_cast<double>(result.pairs);
  result.accuracy = (margin_P > 0).sum().item<double>() / pairs;
  result.tie_rate = (margin_P == 0).sum().item<double>() / pairs;
  result.mean_margin = margin_P.mean().item<double>();
  return result;
}

Calibration pair_calibration(const at::Tensor& chosen_P, const at::Tensor& rejected_P) {
  const at::Tensor margin_P = checked_margins("pair_calibration", chosen_P, rejected_P);
  Calibration result;
  const std::int64_t pairs = margin_P.size(0);
  if (pairs == 0) return result;
  const double* margins = margin_P.const_data_ptr<double>();
  for (std::int64_t i = 0; i < pairs; ++i) {
    const double confidence = 1 / (1 + std::exp(-std::abs(margins[i])));
    const double wrong = margins[i] > 0 ? 1 - confidence : confidence;  // 1 - p(chosen)
    const int above = static_cast<int>(std::ceil((confidence - 0.5) * 2 * kCalibrationBins)) - 1;
    Calibration::Bin& bin = result.bins[static_cast<std::size_t>(std::clamp(above, 0, kCalibrationBins - 1))];
    ++bin.pairs;
    bin.confidence += confidence;
    bin.accuracy += margins[i] > 0 ? 1.0 : margins[i] == 0 ? 0.5 : 0.0;
    result.brier += wrong * wrong;
  }
  result.brier /= static_cast<double>(pairs);
  for (Calibration::Bin& bin : result.bins) {
    if (bin.pairs == 0) continue;
    result.expected_error += std::abs(bin.confidence - bin.accuracy) / static_cast<double>(pairs);
    bin.confidence /= static_cast<double>(bin.pairs);
    bin.accuracy /= static_cast<double>(bin.pairs);
  }
  return result;
}

at::Tensor RewardNormalisation::apply(const at::Tensor& rewards) const { return as_float(rewards) * gain + bias; }

RewardNormalisation fit_gain_and_bias(const at::Tensor& rewards_N) {
  const at::Tensor rewards = reference_rewards("fit_gain_and_bias", rewards_N);
  if (rewards.max().item<double>() == rewards.min().item<double>()) {
    throw DataError("fit_gain_and_bias: all " + std::to_string(rewards.size(0)) + " rewards are " +
                    std::to_string(rewards[0].item<double>()) + ", so no gain gives them deviation 1; use fit_bias");
  }
  const double mean = rewards.mean().item<double>(), deviation = rewards.std(0, false).item<double>();
  return {1 / deviation, -mean / deviation};
}

RewardNormalisation fit_bias(const at::Tensor& rewards_N) {
  return {1.0, -reference_rewards("fit_bias", rewards_N).mean().item<double>()};
}

DpoTerms dpo_loss(const PairLogProbs& log_probs, const DpoSettings& settings) {
  check(settings);
  require_dim("dpo_loss", "policy_chosen_P", log_probs.policy_chosen_P, 1);
  const at::IntArrayRef shape = log_probs.policy_chosen_P.sizes();
  require_shape("dpo_loss", "policy_rejected_P", log_probs.policy_rejected_P, shape);
  require_shape("dpo_loss", "reference_chosen_P", log_probs.reference_chosen_P, shape);
  require_shape("dpo_loss", "reference_rejected_P", log_probs.reference_rejected_P, shape);
  const double beta = settings.beta, smoothing = settings.label_smoothing;
  const at::Tensor chosen_P = as_float(log_probs.policy_chosen_P) - as_constant(log_probs.reference_chosen_P);
  const at::Tensor rejected_P = as_float(log_probs.policy_rejected_P) - as_constant(log_probs.reference_rejected_P);
  DpoTerms terms;
  terms.chosen_rewards_P = beta * chosen_P.detach();
  terms.rejected_rewards_P = beta * rejected_P.detach();
  if (settings.loss == DpoLoss::kIpo) {
    const at::Tensor difference_P = averaged(chosen_P, log_probs.chosen_tokens_P, "chosen_tokens_P") -
                                    averaged(rejected_P, log_probs.rejected_tokens_P, "rejected_tokens_P");
    terms.loss_P = (difference_P - 1 / (2 * beta)).square();
    return terms;
  }
  const at::Tensor x_P = beta * (chosen_P - rejected_P);
  if (settings.loss == DpoLoss::kHinge) {
    terms.loss_P = at::relu(1 - x_P);
    return terms;
  }
  const bool robust = settings.loss == DpoLoss::kRobust;
  terms.loss_P = -(1 - smoothing) * at::log_sigmoid(x_P);
  if (smoothing > 0) terms.loss_P = terms.loss_P + (robust ? smoothing : -smoothing) * at::log_sigmoid(-x_P);
  if (robust) terms.loss_P = terms.loss_P / (1 - 2 * smoothing);
  return terms;
}

at::Tensor kto_baseline(const at::Tensor& policy_mismatched_B, const at::Tensor& reference_mismatched_B) {
  require_dim("kto_baseline", "policy_mismatched_B", policy_mismatched_B, 1);
  require_shape("kto_baseline", "reference_mismatched_B", reference_mismatched_B, policy_mismatched_B.sizes());
  if (policy_mismatched_B.size(0) == 0) throw DataError("kto_baseline: no mismatched answers to estimate the KL from");
  return (as_constant(policy_mismatched_B) - as_constant(reference_mismatched_B)).mean().clamp_min(0);
}

KtoTerms kto_loss(const at::Tensor& policy_B, const at::Tensor& reference_B, const at::Tensor& desirable_B,
                  const at::Tensor& baseline, const KtoSettings& settings) {
  require_beta("kto_loss", settings.beta);
  if (!(settings.desirable_weight >= 0) || !(settings.undesirable_weight >= 0)) {
    throw ConfigError("kto_loss: weights are " + std::to_string(settings.desirable_weight) + " and " +
                      std::to_string(settings.undesirable_weight) + ", they have to be 0 or above");
  }
  require_dim("kto_loss", "policy_B", policy_B, 1);
  require_shape("kto_loss", "reference_B", reference_B, policy_B.sizes());
  require_shape("kto_loss", "desirable_B", desirable_B, policy_B.sizes());
  require_shape("kto_loss", "baseline", baseline, {});
  const at::Tensor ratio_B = as_float(policy_B) - as_constant(reference_B);
  const at::Tensor is_desirable_B = as_mask(desirable_B);
  const at::Tensor above_B = settings.beta * (ratio_B - baseline.detach().to(ratio_B.scalar_type()));
  KtoTerms terms;
  terms.rewards_B = settings.beta * ratio_B.detach();
  // 1 - sigmoid(x) = sigmoid(-x), without the cancellation.
  terms.loss_B = at::where(is_desirable_B, settings.desirable_weight * at::sigmoid(-above_B),
                           settings.undesirable_weight * at::sigmoid(above_B));
  return terms;
}

}  // namespace temper
