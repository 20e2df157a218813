// Registers the evaluator safety; everything it does is in safety.cpp, toxicity.cpp and common/refusal.cpp.
#include "temper/plugin.h"

#include "safety.h"

TEMPER_PLUGIN("safety", "0.1.0") {
  using namespace temper;
  registrar.add<Evaluator>(
      "safety",
      "Refusal where an answer would do harm, leaks of private data, kind refusals, over-refusal of harmless "
      "requests, and toxicity of continuations.",
      safety::params_table(), [](const safety::Params& params, const Evaluator::Args& args) {
        return std::make_unique<safety::Safety>(params, args.base_dir);
      });
}
