// What a report is about, read once: runs with their state, the comparison, the metric that "best" means. The sections
// (sections.h) turn it into HTML. Logs are not kept: the curves read those they draw.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/compare/compare.h"
#include "host/compare/flips.h"
#include "host/compare/tax.h"
#include "host/record/record_reader.h"
#include "host/report/report.h"

namespace temper::report {

struct RunStage {
  std::string name;
  StageSummary summary;
  std::vector<std::string> notes;
  std::vector<std::string> logs;
};

struct Run {
  std::filesystem::path path;
  std::string id, status, reason;  ///< `reason` of a run that is not complete: its last note
  std::string cell;                ///< what sets it apart from others but for the seed; "" if nothing does
  std::map<std::string, std::string> attributes;
  std::vector<ResolvedRow> resolved;
  std::map<std::string, std::string> values;  ///< of `resolved`, by key
  std::vector<PluginRow> plugins;
  std::vector<LedgerRow> ledger;
  std::vector<RunStage> stages;
  std::size_t config = 0;  ///< index in Data::configs
};

struct Config {
  std::string file, text;
};

/// The best column by the chosen metric, and how it stands against another one.
struct Best {
  std::string column, rival;
  bool rival_is_baseline = false;
  MetricValue value;
  std::optional<PairedDifference> over_rival;  ///< best minus rival
  double p_holm = 1;
  std::size_t comparisons = 0;  ///< that the correction counts
};

struct Data {
  ReportOptions options;
  std::string title, by;
  std::vector<std::string> axes;  ///< of the sweep
  std::vector<Run> runs;
  std::vector<std::string> waiting;     ///< planned runs without a record
  std::vector<std::string> halving;     ///< what a sweep's rungs decided, a sentence each
  std::vector<std::string> unreadable;  ///< sentences
  std::vector<Config> configs;
  std::vector<std::string> differing;  ///< resolved keys whose values differ between runs
  Collected collected;
  std::string no_comparison;       ///< why there is none; "" if there is
  std::string baseline;            ///< column
  Comparison comparison;           ///< of the rows for which differences were computed
  bool only_chosen = false;        ///< differences only for the chosen metric, because all would take too long
  std::optional<std::size_t> row;  ///< of the chosen metric in `collected`
  std::optional<Best> best;
  std::vector<FlipTable> flips;
  std::optional<AlignmentTax> tax;
};

/// Reads everything. Throws as render_report does.
Data read_data(const ReportOptions& options);

/// "stages.sft.learning_rate" -> "sft.learning_rate": what tells keys apart, for captions and labels.
std::string short_key(const std::string& key);
/// evaluator.metric
std::string metric_name(const MetricRow& row);
const char* direction(Better better);
/// Value of an axis (or another resolved key) in a run; "" if the run has none.
std::string value_of(const Run& run, const std::string& key);
/// Values in the order of numbers if all are numbers, else as they came; each once.
std::vector<std::string> distinct_values(const std::vector<Run>& runs, const std::string& key);
/// "evaluator.metric" values better first; columns without a value are left out.
std::vector<std::string> columns_by_rank(const MetricRow& row, const std::vector<std::string>& columns);

}  // namespace temper::report
