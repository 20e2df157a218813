// Registers the `townsfolk` dataset; the work is in townsfolk_dataset.h.
#include "temper/plugin.h"

#include "townsfolk_dataset.h"

using namespace temper;

TEMPER_PLUGIN("townsfolk", "0.1.0") {
  using townsfolk::TownsfolkDataset;
  using townsfolk::TownsfolkParams;
  registrar.add<Dataset>(
      "townsfolk", "A generated town of invented people: documents, instructions, preferences and checkable items.",
      townsfolk::townsfolk_params(),
      [](const TownsfolkParams& params, const Dataset::Args&) { return std::make_unique<TownsfolkDataset>(params); });
}
