// Rows of different kinds (windows, canaries, documents, answers) in one result: each metric is about some of the rows and
// has the columns NAME.num and NAME.den, zero where it is not about a row. Used by all parts of the evaluator.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "temper/evaluator.h"

namespace temper::memorization {

class Sheet {
 public:
  explicit Sheet(std::uint64_t seed) : seed_(seed) {}
  /// Which row this becomes.
  std::size_t add_row(ExampleRow row);
  ExampleRow& row(std::size_t row) { return rows_.at(row); }
  /// A share of yes among the rows it is put for, or a mean. In the order of declaration; nothing put, no metric.
  void share(const MetricSpec& spec);
  void mean(const MetricSpec& spec);
  void put(const std::string& metric, std::size_t row, double value);
  /// A number that is no mean over rows; it gets no columns.
  void number(MetricValue value);
  std::uint64_t seed() const { return seed_; }
  bool empty() const { return rows_.empty(); }
  EvalResult result() &&;

 private:
  struct Column {
    MetricSpec spec;
    bool is_share = false;
    std::map<std::size_t, double> values;
  };
  Column& column(const std::string& name);
  std::uint64_t seed_;
  std::vector<ExampleRow> rows_;
  std::vector<Column> columns_;
  std::vector<MetricValue> numbers_;
};

/// A share with Wilson's interval where every row stands alone. Where clusters hold several, the interval is bootstrapped
/// over clusters; where all rows agree, which a bootstrap takes for certainty, it is Wilson's with one trial a cluster.
MetricValue share_of(const MetricSpec& spec, const std::vector<double>& yes, const std::vector<std::string>& clusters,
                     std::uint64_t seed);

}  // namespace temper::memorization
