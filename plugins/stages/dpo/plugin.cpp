// Registers the stage dpo; everything it does is in dpo.cpp.
#include "temper/plugin.h"

#include "dpo.h"

TEMPER_PLUGIN("dpo", "0.1.0") {
  using namespace temper;
  registrar.add<Stage>("dpo", "Direct preference optimisation on pairs, without a reward model.", dpo::params_table(),
                       [](const dpo::Params& params, const Stage::Args&) { return std::make_unique<dpo::Dpo>(params); });
}
