// Registers the filter `language`; the work is in language.h.
#include "temper/plugin.h"

#include "language.h"

using namespace temper;

TEMPER_PLUGIN("language", "0.1.0") {
  using filters::Language;
  using filters::LanguageParams;
  registrar.add<Filter>(
      "language", "Tells which language documents are in, and keeps those wanted.", filters::language_params(),
      [](const LanguageParams& params, const Filter::Args&) { return std::make_unique<Language>(params); });
}
