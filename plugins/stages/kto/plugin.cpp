// Registers the stage kto; everything it does is in kto.cpp and rows.cpp.
#include "temper/plugin.h"

#include "kto.h"

TEMPER_PLUGIN("kto", "0.1.0") {
  using namespace temper;
  registrar.add<Stage>("kto", "Kahneman-Tversky optimisation on answers marked good or bad.", kto::params_table(),
                       [](const kto::Params& params, const Stage::Args&) { return std::make_unique<kto::Kto>(params); });
}
