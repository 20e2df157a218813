// Penalties, scaling and clipping of scores, and the states that live on between batches. A state is written as
// "name field=value ..." with the shortest decimals that read back to the same double, and read back strictly.
// Shapes: B rows (answers).
#include "temper/reward_shaping.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "tensor_checks.h"

namespace temper {
namespace {

constexpr std::string_view kNone = "none";

std::string number_text(double value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

/// The values of "name a=1 b=2" in the order of `fields`; anything else is a DataError. `none` stands for an absent value.
template <std::size_t N>
std::array<std::optional<double>, N> read_state(std::string_view name, const std::array<std::string_view, N>& fields,
                                                const std::string& text) {
  const auto wrong = [&](const std::string& what) {
    return DataError("saved state '" + text + "' is not one of " + std::string(name) + ": " + what +
                     "; it has to be a line that save() wrote");
  };
  std::string_view rest = text;
  if (!rest.starts_with(name)) throw wrong("it starts differently");
  rest.remove_prefix(name.size());
  std::array<std::optional<double>, N> values;
  for (std::size_t i = 0; i < N; ++i) {
    const std::string start = " " + std::string(fields[i]) + "=";
    if (!rest.starts_with(start)) throw wrong("no " + std::string(fields[i]));
    rest.remove_prefix(start.size());
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(word.size());
    if (word == kNone) continue;
    double value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) throw wrong("'" + std::string(word) + "' is no number");
    values[i] = value;
  }
  if (!rest.empty()) throw wrong("it goes on after the last field");
  return values;
}

double required(const std::optional<double>& value, const std::string& text) {
  if (value) return *value;
  throw DataError("saved state '" + text + "' has no value where one is needed; it has to be a line that save() wrote");
}

}  // namespace

at::Tensor penalise_missing_eos(const at::Tensor& scores_B, const at::Tensor& finished_B, MissingEos kind, double penalty) {
  require_dim("penalise_missing_eos", "scores_B", scores_B, 1);
  require_shape("penalise_missing_eos", "finished_B", finished_B, scores_B.sizes());
  if (!(penalty >= 0)) {
    throw ConfigError("the penalty for a missing EOS is " + number_text(penalty) +
                      "; it is taken off the score and has to be 0 or above");
  }
  const at::Tensor scores = as_constant(scores_B);
  if (kind == MissingEos::kNone) return scores;
  const at::Tensor penalised = kind == MissingEos::kSubtract ? scores - penalty : at::full_like(scores, -penalty);
  return at::where(as_mask(finished_B), scores, penalised);
}

at::Tensor length_penalty(const at::Tensor& lengths_B, const LengthPenalty& penalty) {
  require_dim("length_penalty", "lengths_B", lengths_B, 1);
  if (!(penalty.per_token >= 0) || !(penalty.limit >= 0) || penalty.free_tokens < 0) {
    throw ConfigError("the length penalty has per_token " + number_text(penalty.per_token) + ", free_tokens " +
                      std::to_string(penalty.free_tokens) + ", limit " + number_text(penalty.limit) +
                      "; all three have to be 0 or above");
  }
  const at::Tensor over_B = (lengths_B.detach() - penalty.free_tokens).clamp_min(0).to(at::kFloat);
  return (over_B * penalty.per_token).clamp_max(penalty.limit);
}

void RunningMoments::add(const at::Tensor& values) {
  if (values.numel() == 0) return;
  const at::Tensor all = values.detach().to(at::kDouble).flatten();
  if (!at::isfinite(all).all().item<bool>()) {
    throw DataError("running moments: " + std::to_string((~at::isfinite(all)).sum().item<std::int64_t>()) + " of " +
                    std::to_string(all.numel()) + " values are not finite");
  }
  RunningMoments batch;
  batch.count = static_cast<double>(all.numel());
  batch.mean = all.mean().item<double>();
  batch.squares = (all - batch.mean).square().sum().item<double>();
  add(batch);
}

void RunningMoments::add(const RunningMoments& other) {
  if (other.count == 0) return;
  const double total = count + other.count, difference = other.mean - mean;
  mean += difference * other.count / total;
  squares += other.squares + difference * difference * count * other.count / total;
  count = total;
}

double RunningMoments::standard_deviation(int ddof) const {
  return count > ddof ? std::sqrt(squares / (count - ddof)) : 0.0;
}

std::string RunningMoments::save() const {
  return "moments count=" + number_text(count) + " mean=" + number_text(mean) + " squares=" + number_text(squares);
}

RunningMoments RunningMoments::restore(const std::string& text) {
  const auto values = read_state<3>("moments", {"count", "mean", "squares"}, text);
  return {required(values[0], text), required(values[1], text), required(values[2], text)};
}

ShapedScores shape_scores(const at::Tensor& scores_B, const RewardShaping& shaping, RunningMoments& seen) {
  require_dim("shape_scores", "scores_B", scores_B, 1);
  if (shaping.clip && !(*shaping.clip > 0)) {
    throw ConfigError("rewards are to be clipped to +-" + number_text(*shaping.clip) + "; the bound has to be above 0");
  }
  ShapedScores shaped{as_constant(scores_B)};
  if (shaping.scale) {
    seen.add(scores_B);
    if (const double deviation = seen.standard_deviation(); deviation > 0) shaped.divisor = deviation;
    shaped.scores_B = shaped.scores_B / shaped.divisor;
  }
  if (!shaping.clip) return shaped;
  shaped.clipped_low = (shaped.scores_B < -*shaping.clip).sum().item<std::int64_t>();
  shaped.clipped_high = (shaped.scores_B > *shaping.clip).sum().item<std::int64_t>();
  shaped.scores_B = shaped.scores_B.clamp(-*shaping.clip, *shaping.clip);
  return shaped;
}

void KlController::update(double kl, double answers) {
  if (!std::isfinite(kl)) {
    throw DataError("the KL given to the controller is " + number_text(kl) + "; the policy has diverged");
  }
  if (!target) return;
  if (!(*target > 0) || !(horizon > 0)) {
    throw ConfigError("the KL controller has target " + number_text(*target) + " and horizon " + number_text(horizon) +
                      "; both have to be above 0");
  }
  constexpr double kLargestError = 0.2;
  const double error = std::clamp(kl / *target - 1, -kLargestError, kLargestError);
  coefficient *= 1 + error * answers / horizon;
}

std::string KlController::save() const {
  return "kl_controller coefficient=" + number_text(coefficient) +
         " target=" + (target ? number_text(*target) : std::string(kNone)) + " horizon=" + number_text(horizon);
}

KlController KlController::restore(const std::string& text) {
  const auto values = read_state<3>("kl_controller", {"coefficient", "target", "horizon"}, text);
  return {required(values[0], text), values[1], required(values[2], text)};
}

}  // namespace temper
