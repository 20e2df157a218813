// Entry of the UL2 objective.
#include "temper/plugin.h"

#include "ul2.h"

TEMPER_PLUGIN("ul2", "0.1.0") {
  using namespace temper;
  registrar.add<Objective>(
      "ul2", "UL2's mixture: write short spans, long spans or the end of a text.", ul2::ul2_params(),
      [](const ul2::Ul2Params& params, const Objective::Args& args) { return std::make_unique<ul2::Ul2>(params, args); });
}
