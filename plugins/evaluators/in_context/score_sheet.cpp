// Columns and metrics (see score_sheet.h).
#include "score_sheet.h"

#include <algorithm>
#include <limits>

namespace temper::in_context {

MetricValue& ScoreSheet::add(MetricValue metric) {
  metrics_.push_back(std::move(metric));
  return metrics_.back();
}

MetricValue& ScoreSheet::share(const MetricSpec& spec, const std::vector<double>& values) {
  columns_.push_back({spec.name, first_, values, std::vector<double>(values.size(), 1.0)});
  const auto yes = std::count(values.begin(), values.end(), 1.0);
  return add(proportion_metric(spec, yes, static_cast<std::int64_t>(values.size())));
}

MetricValue& ScoreSheet::mean(const MetricSpec& spec, const std::vector<double>& values) {
  columns_.push_back({spec.name, first_, values, std::vector<double>(values.size(), 1.0)});
  return add(mean_metric(spec, values));
}

MetricValue& ScoreSheet::ratio(const MetricSpec& spec, const std::vector<double>& numerators,
                               const std::vector<double>& denominators, std::uint64_t seed) {
  columns_.push_back({spec.name, first_, numerators, denominators});
  return add(ratio_metric(spec, numerators, denominators, seed));
}

void ScoreSheet::column(const std::string& name, const std::vector<double>& values) {
  columns_.push_back({name, first_, values, {}});
}

void ScoreSheet::write(EvalResult& result) const {
  result.metrics = metrics_;
  const auto put = [&](const std::string& name, std::size_t first, const std::vector<double>& values, double elsewhere) {
    result.score_names.push_back(name);
    for (std::size_t i = 0; i < result.examples.size(); ++i) {
      const bool own = i >= first && i < first + values.size();
      result.examples[i].scores.push_back(own ? values[i - first] : elsewhere);
    }
  };
  for (const auto& column : columns_) {
    if (column.denominators.empty()) {
      put(column.name, column.first, column.numerators, std::numeric_limits<double>::quiet_NaN());
      continue;
    }
    const bool all = column.numerators.size() == result.examples.size() &&
                     std::all_of(column.denominators.begin(), column.denominators.end(), [](double d) { return d == 1; });
    put(all ? column.name : column.name + ".num", column.first, column.numerators, 0);
    if (!all) put(column.name + ".den", column.first, column.denominators, 0);
  }
}

}  // namespace temper::in_context
