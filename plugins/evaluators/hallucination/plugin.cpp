// Registers the evaluator hallucination; everything it does is in the files beside this one.
#include "temper/plugin.h"

#include "hallucination.h"

TEMPER_PLUGIN("hallucination", "0.1.0") {
  using namespace temper;
  registrar.add<Evaluator>("hallucination",
                           "Truthfulness (TruthfulQA by likelihood and by a trained judge), people made up, claims that the "
                           "source does not have.",
                           hallucination::params_table(),
                           [](const hallucination::Params& params, const Evaluator::Args& args) {
                             return std::make_unique<hallucination::Hallucination>(params, args.base_dir);
                           });
}
