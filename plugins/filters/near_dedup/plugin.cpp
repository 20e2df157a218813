// Registers the filter `near_dedup`; the work is in near_dedup.h.
#include "temper/plugin.h"

#include "near_dedup.h"

using namespace temper;

TEMPER_PLUGIN("near_dedup", "0.1.0") {
  using filters::NearDedup;
  using filters::NearDedupParams;
  registrar.add<Filter>(
      "near_dedup", "Keeps one of documents that are nearly the same (MinHash, verified by Jaccard similarity).",
      filters::near_dedup_params(),
      [](const NearDedupParams& params, const Filter::Args& args) { return std::make_unique<NearDedup>(params, args); });
}
