// Registers the filter `decontaminate`; the work is in decontaminate.h.
#include "temper/plugin.h"

#include "decontaminate.h"

using namespace temper;

TEMPER_PLUGIN("decontaminate", "0.1.0") {
  using filters::Decontaminate;
  using filters::DecontaminateParams;
  registrar.add<Filter>("decontaminate", "Drops documents that hold passages of evaluation sets.",
                        filters::decontaminate_params(), [](const DecontaminateParams& params, const Filter::Args& args) {
                          return std::make_unique<Decontaminate>(params, args);
                        });
}
