// Registers the evaluator best_of_n; everything it does is in best_of_n.cpp.
#include "temper/plugin.h"

#include "best_of_n.h"

TEMPER_PLUGIN("best_of_n", "0.1.0") {
  using namespace temper;
  registrar.add<Evaluator>(
      "best_of_n", "Reward of the best of k sampled answers, for k = 1, 2, 4, ... n.", best_of_n::params_table(),
      [](const best_of_n::Params& params, const Evaluator::Args&) { return std::make_unique<best_of_n::BestOfN>(params); });
}
