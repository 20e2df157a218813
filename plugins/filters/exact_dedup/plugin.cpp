// Registers the filter `exact_dedup`; the work is in exact_dedup.h.
#include "temper/plugin.h"

#include "exact_dedup.h"

using namespace temper;

TEMPER_PLUGIN("exact_dedup", "0.1.0") {
  using filters::ExactDedup;
  using filters::ExactDedupParams;
  registrar.add<Filter>(
      "exact_dedup", "Keeps the first of documents whose texts are the same.", filters::exact_dedup_params(),
      [](const ExactDedupParams& params, const Filter::Args&) { return std::make_unique<ExactDedup>(params); });
}
