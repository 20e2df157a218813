// Sampling rules on rows of logits; each trap is one case.
#include <cmath>

#include "catch.h"
#include "host/infer/sampling.h"

using namespace temper;

namespace {

std::vector<float> logits_of(std::initializer_list<double> probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

SamplingParams with(double temperature, std::int64_t top_k, double top_p) {
  SamplingParams params;
  params.temperature = temperature;
  params.top_k = top_k;
  params.top_p = top_p;
  return params;
}

}  // namespace

TEST_CASE("P-GEN-02 top-p keeps the token that crosses the threshold") {
  const auto logits = logits_of({0.5, 0.35, 0.1, 0.05});
  CHECK(sampling_candidates(logits, with(1, 0, 0.9)).size() == 3);
  CHECK(sampling_candidates(logits, with(1, 0, 0.8)).size() == 2);
  CHECK(sampling_candidates(logits, with(1, 0, 0.499999)).size() == 1);
  CHECK(sampling_candidates(logits, with(1, 0, 0.0)).size() == 1);
  CHECK(sampling_candidates(logits, with(1, 0, 0.0))[0].id == 0);
}

TEST_CASE("P-GEN-03 top-p works on the renormalised top-k") {
  const auto logits = logits_of({0.4, 0.3, 0.2, 0.1});
  const auto both = sampling_candidates(logits, with(1, 2, 1));
  REQUIRE(both.size() == 2);
  CHECK(both[0].probability == Approx(0.571429).epsilon(1e-5));
  CHECK(sampling_candidates(logits, with(1, 2, 0.5)).size() == 1);
  CHECK(sampling_candidates(logits, with(1, 1, 0.8)).size() == 1);
}

TEST_CASE("P-GEN-04 top-k keeps exactly k, 0 and large values keep all") {
  const std::vector<float> logits = {0.1f, 0.7f, 0.4f, 0.2f};
  CHECK(sampling_candidates(logits, with(1, 1, 1))[0].id == 1);
  const auto two = sampling_candidates(logits, with(1, 2, 1));
  REQUIRE(two.size() == 2);
  CHECK((two[0].id == 1 && two[1].id == 2));
  CHECK(sampling_candidates(logits, with(1, 0, 1)).size() == 4);
  CHECK(sampling_candidates(logits, with(1, 9, 1)).size() == 4);
}

TEST_CASE("P-GEN-05 temperature 0 is greedy every time") {
  const std::vector<float> logits = {1.0f, 1.2f, 0.9f};
  Rng rng(1);
  for (int i = 0; i < 1000; ++i) CHECK(sample_token(logits, with(0, 0, 1), rng).id == 1);
}

TEST_CASE("P-PPO-12 log-probabilities are those at the sampling temperature") {
  const std::vector<float> logits = {2.0f, 1.0f, 0.0f};
  Rng rng(5);
  SampledToken token;
  do token = sample_token(logits, with(0.5, 0, 1), rng);
  while (token.id != 0);
  CHECK(token.log_prob == Approx(-0.142932).epsilon(1e-5));
}

TEST_CASE("draws follow the probabilities") {
  const auto logits = logits_of({0.6, 0.3, 0.1});
  Rng rng(2);
  int counts[3] = {};
  for (int i = 0; i < 20000; ++i) ++counts[sample_token(logits, with(1, 0, 1), rng).id];
  CHECK(counts[0] / 20000.0 == Approx(0.6).margin(0.015));
  CHECK(counts[1] / 20000.0 == Approx(0.3).margin(0.015));
}
