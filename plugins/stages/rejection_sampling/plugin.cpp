// Registers the stage rejection_sampling; everything it does is in rejection_sampling.cpp and selection.cpp.
#include "temper/plugin.h"

#include "rejection_sampling.h"

TEMPER_PLUGIN("rejection_sampling", "0.1.0") {
  using namespace temper;
  using rejection_sampling::Params;
  using rejection_sampling::RejectionSampling;
  registrar.add<Stage>("rejection_sampling", "Supervised tuning on the best of several sampled answers, in rounds.",
                       rejection_sampling::params_table(),
                       [](const Params& params, const Stage::Args&) { return std::make_unique<RejectionSampling>(params); });
}
