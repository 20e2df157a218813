// Effects of a sweep's axes (see effects.h).
#include "host/compare/effects.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>

#include "host/record/record_reader.h"
#include "host/util/split.h"
#include "temper/error.h"

namespace temper {
namespace {

constexpr std::uint64_t kEffectSeed = 20240301;

struct DesignRun {
  std::string run_id, seed;
  std::vector<std::string> levels;  ///< one an axis
};

struct Design {
  std::vector<std::string> axes;
  std::vector<std::vector<std::string>> levels;  ///< of each axis
  std::vector<DesignRun> runs;
};

/// In the order of numbers if all are numbers, else as they came.
void sort_levels(std::vector<std::string>& levels) {
  const auto is_number = [](const std::string& text) {
    char* end = nullptr;
    std::strtod(text.c_str(), &end);
    return !text.empty() && *end == 0;
  };
  if (!std::all_of(levels.begin(), levels.end(), is_number)) return;
  std::sort(levels.begin(), levels.end(), [](const std::string& a, const std::string& b) {
    return std::strtod(a.c_str(), nullptr) < std::strtod(b.c_str(), nullptr);
  });
}

Design read_design(const std::vector<std::filesystem::path>& records, const std::string& by) {
  Design design;
  design.axes = split(by, ',');
  design.levels.resize(design.axes.size());
  std::map<std::pair<std::string, std::vector<std::string>>, std::string> seen;
  for (const auto& path : records) {
    const RecordReader reader(path);
    const auto resolved = reader.resolved();
    DesignRun run{reader.attribute("run_id"), reader.attribute("seed"), {}};
    for (const auto& axis : design.axes) {
      // "" where the run has no such key: a conditional axis that does not apply.
      const std::string* level = value_of_key(resolved, axis);
      run.levels.push_back(level == nullptr ? "" : *level);
    }
    const auto [other, is_new] = seen.emplace(std::pair{run.seed, run.levels}, run.run_id);
    if (!is_new) {
      throw ConfigError("--by " + by + ": runs " + other->second + " and " + run.run_id +
                        " have the same values there and the same seed; add the key that tells them apart");
    }
    for (std::size_t a = 0; a < design.axes.size(); ++a) {
      auto& levels = design.levels[a];
      if (std::find(levels.begin(), levels.end(), run.levels[a]) == levels.end()) levels.push_back(run.levels[a]);
    }
    design.runs.push_back(std::move(run));
  }
  for (std::size_t a = 0; a < design.axes.size(); ++a) {
    if (design.levels[a].size() < 2) {
      throw ConfigError("--by " + by + ": all runs have the same value of " + design.axes[a] +
                        (design.levels[a].empty() || design.levels[a][0].empty() ? " (none)" : ", " + design.levels[a][0]) +
                        "; name keys that differ, as `temper run --dry-run` shows them");
    }
    sort_levels(design.levels[a]);
  }
  return design;
}

/// A metric's values in the runs that have it.
using Values = std::map<std::string, const std::vector<ItemValue>*>;

/// The terms of a contrast: each run that has the tested levels, with the runs that differ from it in one or all of them.
std::vector<ContrastTerm> terms_of(const Design& design, const Values& values, const std::vector<std::size_t>& axes,
                                   const std::vector<std::string>& levels) {
  std::map<std::pair<std::string, std::vector<std::string>>, const std::vector<ItemValue>*> by_place;
  for (const auto& run : design.runs) {
    if (const auto found = values.find(run.run_id); found != values.end()) by_place[{run.seed, run.levels}] = found->second;
  }
  std::vector<ContrastTerm> terms;
  for (const auto& run : design.runs) {
    bool is_tested = true;
    for (std::size_t k = 0; k < axes.size(); ++k) is_tested = is_tested && run.levels[axes[k]] == levels[k];
    if (!is_tested) continue;
    ContrastTerm term{run.seed, {}};
    for (std::size_t subset = 0; subset < (std::size_t{1} << axes.size()); ++subset) {
      std::vector<std::string> place = run.levels;
      int sign = 1;
      for (std::size_t k = 0; k < axes.size(); ++k) {
        if ((subset >> k & 1) == 0) continue;
        place[axes[k]] = design.levels[axes[k]].front();
        sign = -sign;
      }
      const auto found = by_place.find({run.seed, place});
      if (found != by_place.end()) term.runs.push_back({sign, found->second});
    }
    if (term.runs.size() == std::size_t{1} << axes.size()) terms.push_back(std::move(term));
  }
  return terms;
}

LevelEffect level_effect(const Design& design, const MetricRow& row, const Values& values, std::size_t axis,
                         const std::string& level, const std::vector<std::string>& clusters) {
  LevelEffect result{design.axes[axis], level, 0, 0, 0, {}, 1};
  for (const auto& run : design.runs) {
    if (run.levels[axis] != level) continue;
    const auto found = row.cells.find(run.run_id);
    if (found == row.cells.end() || !std::isfinite(found->second.value.value)) {
      ++result.missing;
      continue;
    }
    ++result.runs;
    result.mean += found->second.value.value;
  }
  result.mean = result.runs > 0 ? result.mean / result.runs : std::numeric_limits<double>::quiet_NaN();
  if (level == design.levels[axis].front()) return result;
  const auto terms = terms_of(design, values, {axis}, {level});
  if (!terms.empty()) result.effect = bootstrap_contrast(terms, clusters, kEffectSeed);
  return result;
}

MetricEffects effects_of(const Design& design, const MetricRow& row, const std::vector<std::string>& item_clusters) {
  MetricEffects result{row.evaluator, row.spec, true, {}, {}};
  for (const auto& [run, cell] : row.cells) result.has_items = result.has_items && !cell.items.empty();
  // Without a score for each item a run's value counts as one item, which is always drawn.
  std::map<std::string, std::vector<ItemValue>> single;
  Values values;
  for (const auto& [run, cell] : row.cells) {
    if (!std::isfinite(cell.value.value)) continue;
    if (!result.has_items) single[run] = {{cell.value.value, 1}};
    values[run] = result.has_items ? &cell.items : &single[run];
  }
  const std::vector<std::string> clusters = result.has_items ? item_clusters : std::vector<std::string>{};
  for (std::size_t a = 0; a < design.axes.size(); ++a) {
    for (const auto& level : design.levels[a]) {
      result.levels.push_back(level_effect(design, row, values, a, level, clusters));
    }
  }
  for (std::size_t a = 0; a < design.axes.size(); ++a) {
    for (std::size_t b = a + 1; b < design.axes.size(); ++b) {
      for (std::size_t i = 1; i < design.levels[a].size(); ++i) {
        for (std::size_t k = 1; k < design.levels[b].size(); ++k) {
          const auto terms = terms_of(design, values, {a, b}, {design.levels[a][i], design.levels[b][k]});
          if (terms.empty()) continue;
          result.interactions.push_back({design.axes[a], design.levels[a][i], design.axes[b], design.levels[b][k],
                                         bootstrap_contrast(terms, clusters, kEffectSeed), 1});
        }
      }
    }
  }
  return result;
}

/// Over all effects and interactions of all metrics that have a p value.
void correct(AxisEffects& effects) {
  std::vector<double> p_values;
  std::vector<double*> corrected;
  const auto add = [&](const Contrast& contrast, double& p_holm) {
    p_holm = contrast.p_value;
    if (std::isnan(contrast.p_value)) return;
    p_values.push_back(contrast.p_value);
    corrected.push_back(&p_holm);
  };
  for (auto& metric : effects.metrics) {
    for (auto& level : metric.levels) {
      if (level.effect) add(*level.effect, level.p_holm);
    }
    for (auto& one : metric.interactions) add(one.effect, one.p_holm);
  }
  const auto adjusted = holm(p_values);
  for (std::size_t i = 0; i < adjusted.size(); ++i) *corrected[i] = adjusted[i];
}

}  // namespace

AxisEffects axis_effects(const std::vector<std::filesystem::path>& records, const CompareOptions& options) {
  const Design design = read_design(records, options.by);
  CompareOptions by_run = options;
  by_run.by = "run";
  const Collected collected = collect_records(records, by_run);
  if (collected.rows.empty()) {
    throw DataError("the records hold no evaluation to compare" +
                    (collected.notes.empty() ? std::string() : ": " + collected.notes.front()));
  }
  AxisEffects effects{design.axes, {}, {}, collected.notes};
  for (const auto& levels : design.levels) effects.first_levels.push_back(levels.front());
  for (const auto& row : collected.rows) {
    effects.metrics.push_back(effects_of(design, row, collected.items.at(row.evaluator).clusters));
  }
  correct(effects);
  const bool one_seed = std::all_of(design.runs.begin(), design.runs.end(),
                                    [&](const DesignRun& run) { return run.seed == design.runs.front().seed; });
  if (one_seed) effects.notes.push_back("all runs have one seed, so intervals are over items only and say nothing of seeds");
  return effects;
}

}  // namespace temper
