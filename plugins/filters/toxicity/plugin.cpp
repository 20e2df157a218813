// Registers the filter `toxicity`; the work is in toxicity.h.
#include "temper/plugin.h"

#include "toxicity.h"

using namespace temper;

TEMPER_PLUGIN("toxicity", "0.1.0") {
  using filters::Toxicity;
  using filters::ToxicityParams;
  registrar.add<Filter>(
      "toxicity", "Drops, masks or marks documents with words of a list, or that a classifier holds for toxic.",
      filters::toxicity_params(),
      [](const ToxicityParams& params, const Filter::Args& args) { return std::make_unique<Toxicity>(params, args); });
}
