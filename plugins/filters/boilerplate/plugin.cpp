// Registers the filter `boilerplate`; the work is in boilerplate.h.
#include "temper/plugin.h"

#include "boilerplate.h"

using namespace temper;

TEMPER_PLUGIN("boilerplate", "0.1.0") {
  using filters::Boilerplate;
  using filters::BoilerplateParams;
  registrar.add<Filter>(
      "boilerplate", "Takes out licences, navigation and repeated lines.", filters::boilerplate_params(),
      [](const BoilerplateParams& params, const Filter::Args&) { return std::make_unique<Boilerplate>(params); });
}
