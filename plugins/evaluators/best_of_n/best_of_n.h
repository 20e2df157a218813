// What choosing the best of k sampled answers by a reward model gives: the yardstick for every method that optimises the
// same reward. No weights change. Each prompt is answered n times; from these the expected best of k is estimated without
// bias for every k up to n.
// Sources: Stiennon et al. (2020); the divergence bound: Beirami et al. (2024).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shared_reading.h"
#include "temper/evaluator.h"
#include "temper/generate.h"

namespace temper::best_of_n {

struct Params {
  std::vector<std::string> data;
  std::string prompt_source = "items";
  std::int64_t limit = 64;
  std::vector<std::string> reward;
  std::string ensemble = "mean";
  std::int64_t samples = 16;
  SamplingParams sampling = {.temperature = 1};
};
ParamTable<Params> params_table();

/// 1, 2, 4, ... below n, and n.
std::vector<std::int64_t> sizes_up_to(std::int64_t n);
/// Expected maximum of k of these values drawn without replacement, which is an unbiased estimate of the expected maximum of
/// k independent draws. 1 <= k <= values.
double expected_best(std::vector<double> values, std::int64_t k);
/// log k - (k - 1) / k: the divergence of best-of-k from its policy is at most this, in nats.
double divergence_bound(std::int64_t k);

class BestOfN final : public Evaluator {
 public:
  explicit BestOfN(const Params& params) : params_(params) {}
  EvalResult evaluate(EvalContext& context) override;
  void help(EvalContext& context, const std::string& order) override { stages::help_reading(context, order); }

 private:
  Params params_;
};

}  // namespace temper::best_of_n
