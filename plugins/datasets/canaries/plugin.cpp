// Registers the `canaries` dataset; the work is in canaries_dataset.h.
#include "temper/plugin.h"

#include "canaries_dataset.h"

using namespace temper;

TEMPER_PLUGIN("canaries", "0.1.0") {
  using canaries::CanariesDataset;
  using canaries::CanaryParams;
  registrar.add<Dataset>(
      "canaries",
      "Planted secrets: sentences with random digits, repeated a known number of times, to measure memorisation.",
      canaries::canary_params(),
      [](const CanaryParams& params, const Dataset::Args&) { return std::make_unique<CanariesDataset>(params); });
}
