// Entry of the prefix language modelling objective.
#include "temper/plugin.h"

#include "prefix_lm.h"

TEMPER_PLUGIN("prefix_lm", "0.1.0") {
  using namespace temper;
  registrar.add<Objective>("prefix_lm", "Read a text up to a random place in both directions, write the rest.",
                           prefix_lm::prefix_lm_params(),
                           [](const prefix_lm::PrefixLmParams& params, const Objective::Args& args) {
                             return std::make_unique<prefix_lm::PrefixLm>(params, args);
                           });
}
