// Token sampling (see sampling.h).
#include "host/infer/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

namespace temper {
namespace {

std::int32_t argmax(std::span<const float> logits) {
  return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

/// The k best ids in order: by logit, equal ones by id.
std::vector<std::int32_t> best(std::span<const float> logits, std::size_t k) {
  const auto before = [&](std::int32_t a, std::int32_t b) {
    const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  };
  std::vector<std::int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(std::min(k, order.size()));
  if (middle != order.end()) std::nth_element(order.begin(), middle, order.end(), before);
  order.erase(middle, order.end());
  std::sort(order.begin(), order.end(), before);
  return order;
}

/// All tokens may be drawn: no need to sort them.
std::int32_t draw_any(std::span<const float> logits, const SoftmaxSum& softmax, Rng& rng) {
  const auto scale = static_cast<float>(1.0 / softmax.temperature);
  double left = rng.uniform() * softmax.sum;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    left -= static_cast<double>(std::exp((logits[id] - softmax.top) * scale));
    if (left < 0) return static_cast<std::int32_t>(id);
  }
  return argmax(logits);
}

/// What top_p keeps of candidates in order: the first ones that reach `wanted`, the crossing one included, at least one.
/// Nothing if all of them together do not reach it.
std::optional<std::size_t> nucleus(const std::vector<Candidate>& candidates, double wanted) {
  double mass = 0;
  for (std::size_t kept = 0; kept < candidates.size(); ++kept) {
    if (kept > 0 && mass >= wanted) return kept;
    mass += candidates[kept].probability;
  }
  if (mass >= wanted) return candidates.size();
  return std::nullopt;
}

}  // namespace

SoftmaxSum softmax_sum(std::span<const float> logits, double temperature) {
  SoftmaxSum softmax;
  softmax.temperature = temperature == 0 ? 1.0 : temperature;
  softmax.top = *std::max_element(logits.begin(), logits.end());
  const auto scale = static_cast<float>(1.0 / softmax.temperature);
  for (const float logit : logits) softmax.sum += static_cast<double>(std::exp((logit - softmax.top) * scale));
  return softmax;
}

std::vector<Candidate> sampling_candidates(std::span<const float> logits, const SamplingParams& params) {
  if (params.temperature == 0) return {{argmax(logits), 1.0}};
  return sampling_candidates(logits, params, softmax_sum(logits, params.temperature));
}

std::vector<Candidate> sampling_candidates(std::span<const float> logits, const SamplingParams& params,
                                           const SoftmaxSum& softmax) {
  const std::size_t all = logits.size();
  const bool top_k = params.top_k > 0 && static_cast<std::size_t>(params.top_k) < all;
  const bool filtered = params.top_p < 1 || params.min_p > 0;
  std::size_t count = filtered ? std::min<std::size_t>(all, 256) : all;
  if (top_k) count = static_cast<std::size_t>(params.top_k);
  // Sorting a whole vocabulary is rarely needed: what the filters keep is looked for among ever more of the best tokens.
  for (;; count = std::min(all, count * 8)) {
    std::vector<Candidate> candidates;
    double sum = 0;
    for (const auto id : best(logits, count)) {
      const double shifted = static_cast<double>(logits[static_cast<std::size_t>(id)]) - softmax.top;
      candidates.push_back({id, std::exp(shifted / softmax.temperature)});
      sum += candidates.back().probability;
    }
    const bool complete = top_k || count == all;
    const double mass = complete ? sum : softmax.sum;
    if (params.top_p < 1) {
      const auto kept = nucleus(candidates, params.top_p * mass - 1e-12 * mass);
      if (!kept && !complete) continue;
      candidates.resize(kept.value_or(candidates.size()));
    } else if (!complete && candidates.back().probability >= params.min_p) {
      continue;
    }
    // The likeliest token's weight is 1.
    while (candidates.size() > 1 && candidates.back().probability < params.min_p) candidates.pop_back();
    double kept_mass = 0;
    for (const auto& candidate : candidates) kept_mass += candidate.probability;
    for (auto& candidate : candidates) candidate.probability /= kept_mass;
    return candidates;
  }
}

void penalise_repetition(std::span<float> logits, std::span<const std::int32_t> seen, double penalty) {
  if (penalty == 1) return;
  std::vector<std::int32_t> once(seen.begin(), seen.end());
  std::sort(once.begin(), once.end());
  once.erase(std::unique(once.begin(), once.end()), once.end());
  for (const auto id : once) {
    if (id < 0 || static_cast<std::size_t>(id) >= logits.size()) continue;
    float& logit = logits[static_cast<std::size_t>(id)];
    logit = static_cast<float>(logit > 0 ? logit / penalty : logit * penalty);
  }
}

float log_prob_of(std::span<const float> logits, std::int32_t id, const SoftmaxSum& softmax) {
  const double shifted = static_cast<double>(logits[static_cast<std::size_t>(id)]) - softmax.top;
  return static_cast<float>(shifted / softmax.temperature - std::log(softmax.sum));
}

std::int32_t draw_token(std::span<const float> logits, const SamplingParams& params, const SoftmaxSum& softmax, Rng& rng) {
  if (params.temperature == 0) return argmax(logits);
  if (params.top_k == 0 && params.top_p >= 1 && params.min_p == 0) return draw_any(logits, softmax, rng);
  const auto candidates = sampling_candidates(logits, params, softmax);
  double draw = rng.uniform();
  for (const auto& candidate : candidates) {
    draw -= candidate.probability;
    if (draw < 0) return candidate.id;
  }
  return candidates.back().id;
}

SampledToken sample_token(std::span<const float> logits, const SamplingParams& params, Rng& rng) {
  const SoftmaxSum softmax = softmax_sum(logits, params.temperature);
  const std::int32_t id = draw_token(logits, params, softmax, rng);
  return {id, log_prob_of(logits, id, softmax)};
}

}  // namespace temper
