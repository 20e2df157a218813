// Registers the filter `pii`; the work is in pii_filter.h.
#include "temper/plugin.h"

#include "pii_filter.h"

using namespace temper;

TEMPER_PLUGIN("pii", "0.1.0") {
  using pii_filter::PiiFilter;
  using pii_filter::PiiParams;
  registrar.add<Filter>(
      "pii", "Masks or replaces personal data and secrets, or drops documents that hold them.", pii_filter::pii_params(),
      [](const PiiParams& params, const Filter::Args& args) { return std::make_unique<PiiFilter>(params, args); });
}
