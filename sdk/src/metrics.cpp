// Means, proportions and ratios with their 95% intervals. Evaluators call it; checked against SciPy in tests/reference.
#include "temper/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "temper/random.h"

namespace temper {
namespace {

constexpr double kZ95 = 1.959963984540054;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

void need_items(const MetricSpec& spec, std::size_t n) {
  if (n == 0) throw DataError("metric '" + spec.name + "' has no items to be computed from");
}

}  // namespace

MetricValue mean_metric(MetricSpec spec, const std::vector<double>& values) {
  need_items(spec, values.size());
  const auto n = static_cast<double>(values.size());
  double mean = 0;
  for (const double value : values) mean += value / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double error = values.size() > 1 ? std::sqrt(squares / (n - 1) / n) : kNan;
  return {std::move(spec), mean, error, mean - kZ95 * error, mean + kZ95 * error, static_cast<std::int64_t>(values.size())};
}

MetricValue proportion_metric(MetricSpec spec, std::int64_t successes, std::int64_t n) {
  need_items(spec, static_cast<std::size_t>(n));
  const auto count = static_cast<double>(n);
  const double p = static_cast<double>(successes) / count;
  const double z2 = kZ95 * kZ95;
  const double centre = (p + z2 / (2 * count)) / (1 + z2 / count);
  const double half = kZ95 / (1 + z2 / count) * std::sqrt(p * (1 - p) / count + z2 / (4 * count * count));
  const double error = n > 1 ? std::sqrt(p * (1 - p) / (count - 1)) : kNan;
  // At the ends the interval's end is the value itself, which rounding would miss by a hair.
  const double low = successes == 0 ? 0.0 : std::max(0.0, centre - half);
  const double high = successes == n ? 1.0 : std::min(1.0, centre + half);
  return {std::move(spec), p, error, low, high, n};
}

MetricValue ratio_metric(MetricSpec spec, const std::vector<double>& numerators, const std::vector<double>& denominators,
                         std::uint64_t seed, int resamples) {
  return clustered_metric(std::move(spec), numerators, denominators, std::vector<std::string>(numerators.size()), seed,
                          resamples);
}

MetricValue clustered_metric(MetricSpec spec, const std::vector<double>& numerators, const std::vector<double>& denominators,
                             const std::vector<std::string>& clusters, std::uint64_t seed, int resamples) {
  if (numerators.size() != denominators.size() || numerators.size() != clusters.size()) {
    throw PluginError("metric '" + spec.name + "' has " + std::to_string(numerators.size()) + " numerators, " +
                      std::to_string(denominators.size()) + " denominators and " + std::to_string(clusters.size()) +
                      " clusters; give one of each an item");
  }
  // A bootstrap over clusters needs no more of one than its two sums.
  std::vector<double> tops, bottoms;
  std::map<std::string, std::size_t> places;
  std::int64_t items = 0;
  double top = 0, bottom = 0;
  for (std::size_t i = 0; i < numerators.size(); ++i) {
    // Items that count nothing (another family's, say) are no items of this metric.
    if (denominators[i] == 0 && numerators[i] == 0) continue;
    ++items;
    top += numerators[i];
    bottom += denominators[i];
    std::size_t place = tops.size();
    if (!clusters[i].empty()) place = places.emplace(clusters[i], place).first->second;
    if (place == tops.size()) {
      tops.push_back(0);
      bottoms.push_back(0);
    }
    tops[place] += numerators[i];
    bottoms[place] += denominators[i];
  }
  need_items(spec, static_cast<std::size_t>(items));
  if (bottom == 0) throw DataError("metric '" + spec.name + "' divides by zero: its items count nothing");
  const std::size_t n = tops.size();
  MetricValue metric{std::move(spec), top / bottom, kNan, kNan, kNan, items};
  if (n < 2) return metric;
  Rng rng(derive_seed(seed, {"bootstrap", metric.spec.name}));
  std::vector<double> draws;
  draws.reserve(static_cast<std::size_t>(resamples));
  for (int r = 0; r < resamples; ++r) {
    double draw_top = 0, draw_bottom = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t pick = rng.below(n);
      draw_top += tops[pick];
      draw_bottom += bottoms[pick];
    }
    if (draw_bottom != 0) draws.push_back(draw_top / draw_bottom);
  }
  if (draws.size() < 2) return metric;
  std::sort(draws.begin(), draws.end());
  const auto m = static_cast<double>(draws.size());
  double mean = 0, squares = 0;
  for (const double draw : draws) mean += draw / m;
  for (const double draw : draws) squares += (draw - mean) * (draw - mean);
  metric.std_error = std::sqrt(squares / (m - 1));
  metric.ci_low = draws[static_cast<std::size_t>(std::floor(0.025 * (m - 1)))];
  metric.ci_high = draws[static_cast<std::size_t>(std::ceil(0.975 * (m - 1)))];
  return metric;
}

}  // namespace temper
