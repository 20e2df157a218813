// `temper compare`: records in, a text out: values with intervals, paired differences to a baseline column, p values
// corrected for their number.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/compare/collect.h"

namespace temper {

struct ComparedCell {
  std::string column;
  MetricValue value;
  int runs = 0;
  bool is_baseline = false;
  std::optional<PairedDifference> paired;  ///< nothing for the baseline, and where items cannot be paired
  double p_holm = 1;
};

struct ComparedRow {
  std::string evaluator;
  MetricSpec spec;
  std::vector<ComparedCell> cells;
};

struct Comparison {
  std::string baseline;
  std::vector<std::string> columns;
  std::vector<ComparedRow> rows;
  std::vector<std::string> notes;
};

/// Of `column` over `baseline`, items, clusters and runs counted; nothing where items cannot be paired.
std::optional<PairedDifference> difference_of(const Collected& collected, const MetricRow& row, const std::string& baseline,
                                              const std::string& column, BootstrapDraws& draws);
/// Draws for one view of a comparison. They are always the same, so that a comparison gives the same digits every time.
BootstrapDraws comparison_draws();
/// Throws ConfigError, `option` first, unless there is such a column.
void check_column(const Collected& collected, const std::string& column, const std::string& option);

Comparison compare(const Collected& collected, const std::string& baseline);
/// Throws ConfigError for an unknown format or baseline, DataError where records cannot be compared.
std::string compare_records(const std::vector<std::filesystem::path>& records, const CompareOptions& options);

/// table, md, csv, latex or json.
std::string format_comparison(const Comparison& comparison, const std::string& format);

}  // namespace temper
