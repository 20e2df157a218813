// Registers the filter `substring_dedup`; the work is in substring_dedup.h.
#include "temper/plugin.h"

#include "substring_dedup.h"

using namespace temper;

TEMPER_PLUGIN("substring_dedup", "0.1.0") {
  using filters::SubstringDedup;
  using filters::SubstringDedupParams;
  registrar.add<Filter>("substring_dedup",
                        "Takes out passages that stand somewhere before, in the same document or another.",
                        filters::substring_dedup_params(), [](const SubstringDedupParams& params, const Filter::Args& args) {
                          return std::make_unique<SubstringDedup>(params, args);
                        });
}
