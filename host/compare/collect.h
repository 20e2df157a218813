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

/// Which of the views `temper compare` gives.
enum class CompareView {
  kTable,   ///< values and differences
  kFlips,   ///< items gained, lost and kept, with their texts (flips.h)
  kTax,     ///< which abilities each stage lost (tax.h)
  kEffects  ///< what each axis of a sweep does, and how two interact (effects.h)
};

struct CompareOptions {
  std::string by = "stage";  ///< stage, run, or a resolved key
  std::string baseline;      ///< "": the first column
  std::string format = "table";
  std::string metric;  ///< regular expression over names; "": all
  bool intersect = false;
  CompareView view = CompareView::kTable;
  std::int64_t max_flips = 5;  ///< texts shown of each kind
};

/// One column of one metric: the value as the evaluator gave it (mean over runs if there are several), and the items it
/// rests on where the evaluator gave per-item scores.
struct Cell {
  MetricValue value;
  int runs = 0;
  std::vector<ItemValue> items;              ///< in the evaluator's item order; empty: cannot be paired
  std::map<std::string, double> run_values;  ///< the metric in each run of the column, by run id
};

/// Where the texts of a column lie: the stage of its first run.
struct TextSource {
  std::filesystem::path record;
  std::string stage;
};

/// The items that all columns of an evaluator share, in order. What was asked and answered is read when it is shown.
struct ItemSet {
  std::vector<std::pair<std::string, std::string>> keys;  ///< item_id, prompt_sha
  std::vector<std::string> clusters;                      ///< one an item
  std::map<std::string, TextSource> sources;              ///< by column
};

struct MetricRow {
  std::string evaluator;
  MetricSpec spec;
  std::map<std::string, Cell> cells;  ///< by column; a column without a result has none, it is never a zero
};

struct Collected {
  std::vector<std::string> columns;
  std::vector<MetricRow> rows;
  std::vector<std::string> notes;                                  ///< what was left out and why
  std::map<std::string, ItemSet> items;                            ///< by evaluator
  std::map<std::string, std::vector<std::string>> column_parents;  ///< by stage: those it builds on, nearest first
};

Collected collect_records(const std::vector<std::filesystem::path>& records, const CompareOptions& options);

}  // namespace temper
