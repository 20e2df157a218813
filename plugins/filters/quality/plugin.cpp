// Registers the filter `quality`; the work is in quality.h.
#include "temper/plugin.h"

#include "quality.h"

using namespace temper;

TEMPER_PLUGIN("quality", "0.1.0") {
  using quality::Quality;
  using quality::QualityParams;
  registrar.add<Filter>("quality", "The published C4, Gopher and FineWeb rules for web text.", quality::quality_params(),
                        [](const QualityParams& params, const Filter::Args&) { return std::make_unique<Quality>(params); });
}
