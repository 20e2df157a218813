// The metrics of several tasks over one list of rows: each task has values for its own rows only, and the sheet writes the
// score columns that `temper compare` pairs (evaluator.h). Used by in_context.cpp.
#pragma once

#include <string>
#include <vector>

#include "temper/evaluator.h"

namespace temper::in_context {

class ScoreSheet {
 public:
  /// Rows from `first` on belong to the metrics that follow.
  void begin(std::size_t first) { first_ = first; }
  /// Share of ones (Wilson interval), mean, or ratio of sums (bootstrap by `seed`), with its columns. Returns the metric,
  /// whose standard error and interval may be replaced.
  MetricValue& share(const MetricSpec& spec, const std::vector<double>& values);
  MetricValue& mean(const MetricSpec& spec, const std::vector<double>& values);
  MetricValue& ratio(const MetricSpec& spec, const std::vector<double>& numerators, const std::vector<double>& denominators,
                     std::uint64_t seed);
  /// A metric without columns.
  MetricValue& add(MetricValue metric);
  /// Values without a metric, NaN for other rows.
  void column(const std::string& name, const std::vector<double>& values);
  const std::vector<MetricValue>& metrics() const { return metrics_; }
  /// Puts metrics and columns into the result, whose examples are complete.
  void write(EvalResult& result) const;

 private:
  struct Column {
    std::string name;
    std::size_t first;
    std::vector<double> numerators, denominators;  ///< no denominators: a column without a metric
  };
  std::size_t first_ = 0;
  std::vector<MetricValue> metrics_;
  std::vector<Column> columns_;
};

}  // namespace temper::in_context
