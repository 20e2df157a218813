// Cached stages and expected times (see cost.h).
#include "host/sweep/cost.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "host/config/compose.h"
#include "host/run/assets.h"
#include "host/run/stage_cache.h"
#include "host/run/stage_keys.h"
#include "host/util/progress.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

/// Steps that the stage is sure to take; nothing if its data or a budget decides.
std::optional<std::int64_t> planned_steps(const ParamValues& values) {
  const auto has = [&](const char* name) { return values.all().count(name) > 0; };
  if (has("iterations")) return values.as<std::int64_t>("iterations");
  if (!has("steps")) return std::nullopt;
  if (has("epochs") && values.as<double>("epochs") > 0) return std::nullopt;
  if (has("flops") && values.as<double>("flops") > 0) return std::nullopt;
  return values.as<std::int64_t>("steps");
}

/// The newest complete stage of that name and plugin; one of the same experiment goes before others.
const CacheEntry* like(const std::vector<CacheEntry>& entries, const std::string& experiment, const SlotConfig& stage) {
  const CacheEntry* found = nullptr;
  for (const auto& entry : entries) {
    if (!entry.complete || entry.kind != "stage" || entry.stage != stage.name || entry.plugin != stage.plugin) continue;
    if (entry.experiment == experiment) return &entry;
    if (found == nullptr) found = &entry;
  }
  return found;
}

}  // namespace

CostForecast forecast_cost(const SweepPlan& plan, const Registry& registry, const fs::path& cache) {
  CostForecast cost;
  const StageCache stages(cache);
  const std::vector<CacheEntry> entries = stages.list();
  if (entries.empty()) {
    cost.to_compute = cost.unmeasured = plan.distinct_stages;
    return cost;
  }
  const config::YamlNode tree = config::compose(plan.text, plan.origin).tree;
  TerminalProgress silent(ProgressStyle::kQuiet);
  std::map<std::pair<std::string, std::uint64_t>, std::string> fingerprints;
  std::set<std::string> seen;
  for (const auto& run : plan.runs) {
    const bool all_seen = std::all_of(run.keys.begin(), run.keys.end(),
                                      [&](const std::string& key) { return key.empty() || seen.count(key) > 0; });
    if (all_seen) continue;
    Experiment experiment = experiment_of(plan, tree, run.values, registry);
    experiment.seed = run.seed;
    RunAssets assets(experiment, registry, cache, silent);
    StageKeys keys(experiment, registry, threads_of(experiment), 1, [&](const std::string& name) {
      auto& known = fingerprints[{dataset_identity(experiment, name), run.seed}];
      if (known.empty()) known = assets.fingerprint(name);
      return known;
    });
    for (std::size_t s = 0; s < run.stages.size(); ++s) {
      if (run.keys[s].empty() || !seen.insert(run.keys[s]).second) continue;
      if (stages.has_stage(keys.stage(run.stages[s]))) {
        cost.cached.insert(run.keys[s]);
        continue;
      }
      ++cost.to_compute;
      const StageConfig& slot = experiment.stages[s];
      const CacheEntry* measured = like(entries, experiment.name, slot);
      if (measured == nullptr) {
        ++cost.unmeasured;
        continue;
      }
      const auto steps = planned_steps(slot.values);
      const bool by_step = steps && measured->steps > 0;
      cost.seconds += by_step ? measured->seconds * static_cast<double>(*steps) / static_cast<double>(measured->steps)
                              : measured->seconds;
    }
  }
  return cost;
}

std::string describe_cost(const CostForecast& cost, int jobs) {
  std::string text = std::to_string(cost.cached.size()) + " distinct stages are in the cache, " +
                     std::to_string(cost.to_compute) + " are to compute";
  if (cost.to_compute == 0) return text;
  const std::size_t measured = cost.to_compute - cost.unmeasured;
  if (measured == 0) return text + "; nothing like them was computed here before, so their time is not known";
  text += ": about " + format_duration(cost.seconds) +
          (jobs > 1 ? ", " + format_duration(cost.seconds / jobs) + " or more with " + std::to_string(jobs) + " at once"
                    : std::string());
  if (cost.unmeasured > 0)
    text += ", without " + std::to_string(cost.unmeasured) + " that are like nothing computed here before";
  return text + " (by the time of like stages; evaluations come on top)";
}

}  // namespace temper
