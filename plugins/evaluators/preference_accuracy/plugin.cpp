// Registers the evaluator preference_accuracy; everything it does is in preference_accuracy.cpp.
#include "temper/plugin.h"

#include "preference_accuracy.h"

TEMPER_PLUGIN("preference_accuracy", "0.1.0") {
  using namespace temper;
  using preference_accuracy::Params;
  using preference_accuracy::PreferenceAccuracy;
  registrar.add<Evaluator>("preference_accuracy", "Agreement of rewards, or of likelihoods, with held-out preferences.",
                           preference_accuracy::params_table(), [](const Params& params, const Evaluator::Args&) {
                             return std::make_unique<PreferenceAccuracy>(params);
                           });
}
