// Registers the evaluator instruction_following; everything it does is in evaluator.cpp and the checks of common/ifeval.
#include "temper/plugin.h"

#include "evaluator.h"

TEMPER_PLUGIN("instruction_following", "0.1.0") {
  using namespace temper;
  registrar.add<Evaluator>("instruction_following",
                           "Follows verifiable instructions (IFEval's 25 kinds), strictly and loosely, by prompt and by "
                           "instruction.",
                           instruction_following::params_table(),
                           [](const instruction_following::Params& params, const Evaluator::Args&) {
                             return std::make_unique<instruction_following::InstructionFollowing>(params);
                           });
}
