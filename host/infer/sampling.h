// From one row of logits to one token: repetition penalty, temperature, top-k, renormalise, top-p, min-p, draw. Plain
// numbers, no tensors, so that the result depends on nothing but the row and the prompt's own random stream.
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

/// What softmax(logits / temperature) divides by, computed once a row: sum of exp((logit - top) / temperature). The terms
/// are float (a vocabulary of exponentials is the dear part of sampling), their sum is double.
struct SoftmaxSum {
  double temperature = 1, sum = 0;
  float top = 0;
};
/// Temperature 0 counts as 1.
SoftmaxSum softmax_sum(std::span<const float> logits, double temperature);

/// What may be drawn, most likely first (equal probabilities: lower id first), probabilities summing to 1. top_p keeps the
/// token that crosses the threshold and always at least one (Holtzman et al., 2020); min_p keeps tokens at least that
/// likely relative to the likeliest (Nguyen et al., 2024).
std::vector<Candidate> sampling_candidates(std::span<const float> logits, const SamplingParams& params);
/// The same for a temperature above 0, given its sum.
std::vector<Candidate> sampling_candidates(std::span<const float> logits, const SamplingParams& params,
                                           const SoftmaxSum& softmax);

/// Divides positive logits of the tokens seen, each once however often it occurred, and multiplies negative ones (Keskar et
/// al., 2019). Ids outside the row are passed over.
void penalise_repetition(std::span<float> logits, std::span<const std::int32_t> seen, double penalty);

/// `softmax` is that of these logits at the temperature of `params`.
std::int32_t draw_token(std::span<const float> logits, const SamplingParams& params, const SoftmaxSum& softmax, Rng& rng);
/// Before top-k, top-p and min-p.
float log_prob_of(std::span<const float> logits, std::int32_t id, const SoftmaxSum& softmax);

struct SampledToken {
  std::int32_t id = 0;
  float log_prob = 0;
};
/// draw_token and log_prob_of from the same logits.
SampledToken sample_token(std::span<const float> logits, const SamplingParams& params, Rng& rng);

}  // namespace temper
