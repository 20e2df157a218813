// See memorization_sheet.h.
#include "memorization_sheet.h"

#include <algorithm>
#include <set>

namespace temper::memorization {

std::size_t Sheet::add_row(ExampleRow row) {
  rows_.push_back(std::move(row));
  return rows_.size() - 1;
}

void Sheet::share(const MetricSpec& spec) { columns_.push_back({spec, true, {}}); }
void Sheet::mean(const MetricSpec& spec) { columns_.push_back({spec, false, {}}); }
void Sheet::number(MetricValue value) { numbers_.push_back(std::move(value)); }

Sheet::Column& Sheet::column(const std::string& name) {
  for (auto& column : columns_) {
    if (column.spec.name == name) return column;
  }
  throw PluginError("metric '" + name + "' was not declared");
}

void Sheet::put(const std::string& metric, std::size_t row, double value) { column(metric).values[row] = value; }

EvalResult Sheet::result() && {
  EvalResult result;
  for (const Column& column : columns_) {
    if (column.values.empty()) continue;
    std::vector<double> numerators;
    std::vector<std::string> clusters;
    result.score_names.push_back(column.spec.name + ".num");
    result.score_names.push_back(column.spec.name + ".den");
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const auto found = column.values.find(i);
      const bool about = found != column.values.end();
      rows_[i].scores.push_back(about ? found->second : 0);
      rows_[i].scores.push_back(about ? 1 : 0);
      if (!about) continue;
      numerators.push_back(found->second);
      clusters.push_back(rows_[i].cluster);
    }
    if (column.is_share) {
      result.metrics.push_back(share_of(column.spec, numerators, clusters, seed_));
    } else {
      result.metrics.push_back(
          clustered_metric(column.spec, numerators, std::vector<double>(numerators.size(), 1), clusters, seed_));
    }
  }
  for (auto& number : numbers_) result.metrics.push_back(std::move(number));
  result.examples = std::move(rows_);
  return result;
}

MetricValue share_of(const MetricSpec& spec, const std::vector<double>& yes, const std::vector<std::string>& clusters,
                     std::uint64_t seed) {
  const auto successes = static_cast<std::int64_t>(std::count(yes.begin(), yes.end(), 1.0));
  const auto n = static_cast<std::int64_t>(yes.size());
  std::set<std::string> named;
  std::int64_t groups = 0;
  for (const auto& cluster : clusters) groups += cluster.empty() || named.insert(cluster).second;
  if (groups == n) return proportion_metric(spec, successes, n);
  if (successes != 0 && successes != n) {
    return clustered_metric(spec, yes, std::vector<double>(yes.size(), 1), clusters, seed);
  }
  MetricValue metric = proportion_metric(spec, successes == 0 ? 0 : groups, groups);
  metric.n = n;
  return metric;
}

}  // namespace temper::memorization
