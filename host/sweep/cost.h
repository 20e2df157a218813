// What a sweep would find and cost, before it is run: which of its stages another run has left in the cache, and how long
// the others took where something like them was computed before.
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>

#include "host/plugin/registry.h"
#include "host/sweep/plan.h"

namespace temper {

struct CostForecast {
  std::set<std::string> cached;  ///< keys of the plan's stages that are there
  std::size_t to_compute = 0;    ///< distinct stages
  std::size_t unmeasured = 0;    ///< of these, such that nothing like them was computed before
  double seconds = 0;            ///< of the others, one after the other, without evaluations
};

/// Reads the data of each cell as far as its fingerprint needs. A stage is measured by the newest one of its name and
/// plugin, of the same experiment if there is one: by the seconds of a step where both count steps, else by its whole time.
CostForecast forecast_cost(const SweepPlan& plan, const Registry& registry, const std::filesystem::path& cache);

/// One line for people; `jobs` at once.
std::string describe_cost(const CostForecast& cost, int jobs);

}  // namespace temper
