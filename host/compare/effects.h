// What the axes of a sweep do to a metric: the mean at each value of an axis, its marginal effect (the difference to the
// axis's first value, paired over runs that are alike in all other axes and the seed), and the interaction of two axes (the
// difference of differences between their values). contrast.h has the formula. A run that failed has no value: it is counted
// as missing and its partner is left out with it, so it is never averaged as a zero.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/compare/collect.h"
#include "host/compare/contrast.h"

namespace temper {

struct LevelEffect {
  std::string axis, level;
  double mean = 0;  ///< over the runs with a value; NaN if there is none
  int runs = 0, missing = 0;
  std::optional<Contrast> effect;  ///< nothing for an axis's first value, and where no two runs make a pair
  double p_holm = 1;
};

struct InteractionEffect {
  std::string axis, level, other_axis, other_level;
  Contrast effect;
  double p_holm = 1;
};

struct MetricEffects {
  std::string evaluator;
  MetricSpec spec;
  bool has_items = false;  ///< if not, intervals are over seeds only
  std::vector<LevelEffect> levels;
  std::vector<InteractionEffect> interactions;
};

struct AxisEffects {
  std::vector<std::string> axes, first_levels;
  std::vector<MetricEffects> metrics;
  std::vector<std::string> notes;
};

/// `options.by` holds the axes, joined by commas. Throws ConfigError where a key is none, has one value only, or leaves two
/// runs that nothing tells apart; DataError where there is nothing to compare.
AxisEffects axis_effects(const std::vector<std::filesystem::path>& records, const CompareOptions& options);

/// table, md, csv, latex or json. Throws ConfigError for another format.
std::string format_effects(const AxisEffects& effects, const std::string& format);

}  // namespace temper
