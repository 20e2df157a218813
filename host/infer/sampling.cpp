// Token sampling (see sampling.h).
#include "host/infer/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace temper {
namespace {

std::int32_t argmax(std::span<const float> logits) {
  return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

double log_sum_exp(std::span<const float> logits, double temperature) {
  const double top = *std::max_element(logits.begin(), logits.end()) / temperature;
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit / temperature - top);
  return top + std::log(sum);
}

}  // namespace

std::vector<Candidate> sampling_candidates(std::span<const float> logits, const SamplingParams& params) {
  if (params.temperature == 0) return {{argmax(logits), 1.0}};
  std::vector<std::int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto before = [&](std::int32_t a, std::int32_t b) {
    const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  };
  std::size_t keep = order.size();
  if (params.top_k > 0) keep = std::min(keep, static_cast<std::size_t>(params.top_k));
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(keep), order.end(), before);
  order.resize(keep);
  std::vector<Candidate> candidates;
  const double top = logits[static_cast<std::size_t>(order.front())] / params.temperature;
  double sum = 0;
  for (const auto id : order) {
    candidates.push_back({id, std::exp(logits[static_cast<std::size_t>(id)] / params.temperature - top)});
    sum += candidates.back().probability;
  }
  for (auto& candidate : candidates) candidate.probability /= sum;
  if (params.top_p >= 1) return candidates;
  double mass = 0;
  std::size_t count = 0;
  while (count < candidates.size() && (count == 0 || mass < params.top_p - 1e-12)) mass += candidates[count++].probability;
  candidates.resize(count);
  for (auto& candidate : candidates) candidate.probability /= mass;
  return candidates;
}

SampledToken sample_token(std::span<const float> logits, const SamplingParams& params, Rng& rng) {
  SampledToken token;
  if (params.temperature == 0) {
    token.id = argmax(logits);
  } else {
    const auto candidates = sampling_candidates(logits, params);
    double draw = rng.uniform();
    token.id = candidates.back().id;
    for (const auto& candidate : candidates) {
      draw -= candidate.probability;
      if (draw < 0) {
        token.id = candidate.id;
        break;
      }
    }
  }
  const double temperature = params.temperature == 0 ? 1.0 : params.temperature;
  token.log_prob =
      static_cast<float>(logits[static_cast<std::size_t>(token.id)] / temperature - log_sum_exp(logits, temperature));
  return token;
}

}  // namespace temper
