// From records to columns of comparable numbers: which stage of which run belongs to which column, items aligned by item_id
// and prompt_sha, and different item sets refused unless the caller asks for what they share.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "host/compare/statistics.h"
#include "temper/metrics.h"

namespace temper {

struct CompareOptions {
  std::string by = "stage";  ///< stage, run, or a resolved key
  std::string baseline;      ///< "": the first column
  std::string format = "table";
  std::string metric;  ///< regular expression over names; "": all
  bool intersect = false;
};

/// One column of one metric: the value as the evaluator gave it (mean over runs if there are several), and the items it
/// rests on where the evaluator gave per-item scores.
struct Cell {
  MetricValue value;
  int runs = 0;
  std::vector<ItemValue> items;  ///< in the metric's item order; empty: cannot be paired
};

struct MetricRow {
  std::string evaluator;
  MetricSpec spec;
  std::map<std::string, Cell> cells;  ///< by column; a column without a result has none, it is never a zero
};

struct Collected {
  std::vector<std::string> columns;
  std::vector<MetricRow> rows;
  std::vector<std::string> notes;  ///< what was left out and why
};

Collected collect_records(const std::vector<std::filesystem::path>& records, const CompareOptions& options);

}  // namespace temper
