// Registers the stage reward_model; everything it does is in reward_model.cpp, pairs.cpp and labelled.cpp.
#include "temper/plugin.h"

#include "reward_model.h"

TEMPER_PLUGIN("reward_model", "0.1.0") {
  using namespace temper;
  registrar.add<Stage>("reward_model",
                       "Learns a reward from preference pairs and rankings, or from single labelled answers.",
                       reward_model::params_table(), [](const reward_model::Params& params, const Stage::Args&) {
                         return std::make_unique<reward_model::RewardModel>(params);
                       });
}
