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

/// Sum of exp((logit - top) / temperature). Terms are float (a vocabulary of exponentials is the dear part of a step),
/// their sum is double.
double sum_of_exponentials(std::span<const float> logits, float top, double temperature) {
  const auto scale = static_cast<float>(1.0 / temperature);
  double sum = 0;
  for (const float logit : logits) sum += static_cast<double>(std::exp((logit - top) * scale));
  return sum;
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
std::int32_t draw_any(std::span<const float> logits, double temperature, Rng& rng) {
  const float top = *std::max_element(logits.begin(), logits.end());
  const auto scale = static_cast<float>(1.0 / temperature);
  double left = rng.uniform() * sum_of_exponentials(logits, top, temperature);
  for (std::size_t id = 0; id < logits.size(); ++id) {
    left -= static_cast<double>(std::exp((logits[id] - top) * scale));
    if (left < 0) return static_cast<std::int32_t>(id);
  }
  return argmax(logits);
}

}  // namespace

std::vector<Candidate> sampling_candidates(std::span<const float> logits, const SamplingParams& params) {
  if (params.temperature == 0) return {{argmax(logits), 1.0}};
  const std::size_t all = logits.size();
  const std::size_t most = params.top_k > 0 ? std::min(all, static_cast<std::size_t>(params.top_k)) : all;
  const float top = *std::max_element(logits.begin(), logits.end());
  const auto weight = [&](std::int32_t id) {
    return std::exp((static_cast<double>(logits[static_cast<std::size_t>(id)]) - top) / params.temperature);
  };
  // Without top-k the nucleus is found among ever more of the best tokens; sorting a whole vocabulary is rarely needed.
  const bool whole = most < all;
  const double total = whole ? 0 : sum_of_exponentials(logits, top, params.temperature);
  for (std::size_t count = whole ? most : std::min<std::size_t>(all, 256);; count = std::min(all, count * 8)) {
    std::vector<Candidate> candidates;
    double sum = 0;
    for (const auto id : best(logits, count)) {
      candidates.push_back({id, weight(id)});
      sum += candidates.back().probability;
    }
    const double mass_of_all = whole || count == all ? sum : total;
    std::size_t kept = candidates.size();
    if (params.top_p < 1) {
      double mass = 0;
      kept = 0;
      while (kept < candidates.size() && (kept == 0 || mass < params.top_p * mass_of_all - 1e-12 * mass_of_all)) {
        mass += candidates[kept++].probability;
      }
      const bool crossed = kept < candidates.size() || mass >= params.top_p * mass_of_all - 1e-12 * mass_of_all;
      if (!crossed && count < all && !whole) continue;
    } else if (params.min_p > 0) {
      // The likeliest token's weight is 1.
      if (candidates.back().probability >= params.min_p && count < all && !whole) continue;
    } else if (count < all && !whole) {
      continue;
    }
    candidates.resize(kept);
    while (candidates.size() > 1 && candidates.back().probability < params.min_p) candidates.pop_back();
    double mass = 0;
    for (const auto& candidate : candidates) mass += candidate.probability;
    for (auto& candidate : candidates) candidate.probability /= mass;
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

float log_prob_of(std::span<const float> logits, std::int32_t id, double temperature) {
  const double used = temperature == 0 ? 1.0 : temperature;
  const float top = *std::max_element(logits.begin(), logits.end());
  const double shifted = (static_cast<double>(logits[static_cast<std::size_t>(id)]) - top) / used;
  return static_cast<float>(shifted - std::log(sum_of_exponentials(logits, top, used)));
}

SampledToken sample_token(std::span<const float> logits, const SamplingParams& params, Rng& rng) {
  SampledToken token;
  if (params.temperature == 0) {
    token.id = argmax(logits);
  } else if (params.top_k == 0 && params.top_p >= 1 && params.min_p == 0) {
    token.id = draw_any(logits, params.temperature, rng);
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
  token.log_prob = log_prob_of(logits, token.id, params.temperature);
  return token;
}

}  // namespace temper
