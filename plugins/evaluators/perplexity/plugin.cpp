// Entry of the perplexity evaluator.
#include "temper/plugin.h"

#include "perplexity.h"

TEMPER_PLUGIN("perplexity", "0.1.0") {
  using namespace temper;
  registrar.add<Evaluator>("perplexity", "Perplexity and bits per byte over held-out documents.",
                           perplexity::perplexity_params(),
                           [](const perplexity::PerplexityParams& params, const Evaluator::Args&) {
                             return std::make_unique<perplexity::Perplexity>(params);
                           });
}
