// From one row of logits to one token: temperature, top-k, renormalise, top-p, draw. Plain numbers, no tensors, so that the
// result depends on nothing but the row and the prompt's own random stream.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "temper/generate.h"
#include "temper/random.h"

namespace temper {

struct Candidate {
  std::int32_t id = 0;
  double probability = 0;
};

/// What may be drawn, most likely first (equal probabilities: lower id first), probabilities summing to 1. top_p keeps the
/// token that crosses the threshold and always at least one. Source of top_p: Holtzman et al. (2020).
std::vector<Candidate> sampling_candidates(std::span<const float> logits, const SamplingParams& params);

struct SampledToken {
  std::int32_t id = 0;
  float log_prob = 0;  ///< under softmax(logits / temperature), before top-k and top-p; temperature 0 counts as 1
};
SampledToken sample_token(std::span<const float> logits, const SamplingParams& params, Rng& rng);

}  // namespace temper
