// Entry of the memorization evaluator.
#include "temper/plugin.h"

#include "memorization.h"

TEMPER_PLUGIN("memorization", "0.1.0") {
  using namespace temper;
  registrar.add<Evaluator>(
      "memorization", "What of its training documents can be drawn out of a model: passages, planted secrets, membership.",
      memorization::memorization_params(), [](const memorization::Params& params, const Evaluator::Args&) {
        return std::make_unique<memorization::Memorization>(params);
      });
}
