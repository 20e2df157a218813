// Entry of the fill-in-the-middle objective.
#include "temper/plugin.h"

#include "fill_in_middle.h"

TEMPER_PLUGIN("fill_in_middle", "0.1.0") {
  using namespace temper;
  registrar.add<Objective>("fill_in_middle", "Next-token prediction that also learns to write between two given parts.",
                           fill_in_middle::fill_in_middle_params(),
                           [](const fill_in_middle::FillInMiddleParams& params, const Objective::Args& args) {
                             return std::make_unique<fill_in_middle::FillInMiddle>(params, args);
                           });
}
