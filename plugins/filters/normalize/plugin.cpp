// Registers the filter `normalize`; the work is in normalize.h.
#include "temper/plugin.h"

#include "normalize.h"

using namespace temper;

TEMPER_PLUGIN("normalize", "0.1.0") {
  using filters::Normalize;
  using filters::NormalizeParams;
  registrar.add<Filter>(
      "normalize", "Repairs and tidies characters, line ends and white space.", filters::normalize_params(),
      [](const NormalizeParams& params, const Filter::Args&) { return std::make_unique<Normalize>(params); });
}
