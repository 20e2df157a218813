// Reading and aligning records for comparison (see collect.h).
#include "host/compare/collect.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <regex>
#include <set>
#include <tuple>

#include "host/record/record_reader.h"
#include "temper/error.h"
#include "temper/evaluator.h"

namespace temper {
namespace {

/// In the order of item_id and prompt_sha.
using Rows = std::vector<const ExampleRow*>;

bool key_less(const ExampleRow* a, const ExampleRow* b) {
  return std::tie(a->item_id, a->prompt_sha) < std::tie(b->item_id, b->prompt_sha);
}

/// One evaluation in one run, and the column it belongs to.
struct Source {
  std::string column, run_id, stage, evaluator;
  bool is_complete = false;  ///< the run
  EvalResult result;
  std::filesystem::path record;
  Rows rows = {};                                            ///< all items in order, later those that all share
  std::string name() const { return run_id + ":" + stage; }  ///< for messages
};

std::string column_of(const std::string& run_id, const std::vector<ResolvedRow>& resolved, const std::string& stage,
                      const std::string& by) {
  if (by == "stage") return stage;
  if (by == "run") return run_id;
  const auto comma = by.find(',');
  if (comma != std::string::npos) {
    return column_of(run_id, resolved, stage, by.substr(0, comma)) + ", " +
           column_of(run_id, resolved, stage, by.substr(comma + 1));
  }
  if (const std::string* value = value_of_key(resolved, by)) return *value;
  throw ConfigError("--by " + by + ": the record of run '" + run_id +
                    "' has no such key; use stage, run or a key that `temper run --dry-run` shows");
}

/// Breadth first over parents, so that the nearest come first.
std::vector<std::string> ancestors_of(const RecordReader& reader, const std::string& stage) {
  std::vector<std::string> found = reader.stage(stage).parents;
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (const auto& parent : reader.stage(found[i]).parents) {
      if (std::find(found.begin(), found.end(), parent) == found.end()) found.push_back(parent);
    }
  }
  return found;
}

void add_unique(std::vector<std::string>& list, const std::string& text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
}

/// Where runs are compared, each counts with what it ended with. One that stopped before the stage that complete runs ended
/// with has no such value: what an earlier stage gave is not put in its place.
void leave_out_early_ends(std::vector<Source>& sources, std::vector<std::string>& notes) {
  std::set<std::string> final_stages;
  for (const auto& source : sources) {
    if (source.is_complete) final_stages.insert(source.stage);
  }
  if (final_stages.empty()) return;
  std::erase_if(sources, [&](const Source& source) {
    const bool goes = !source.is_complete && final_stages.count(source.stage) == 0;
    if (goes) {
      add_unique(notes, "run " + source.run_id + " was evaluated after " + source.stage +
                            " only, where others go on; it is left out");
    }
    return goes;
  });
}

std::vector<Source> read_sources(const std::vector<std::filesystem::path>& records, const CompareOptions& options,
                                 Collected& collected) {
  std::vector<Source> sources;
  for (const auto& path : records) {
    const RecordReader reader(path);
    const std::string run = reader.attribute("run_id"), status = reader.attribute("status");
    // What it had when it was stopped is no value of what the others ended with.
    if (status == "stopped" && options.by != "stage") {
      collected.notes.push_back("run " + run + " was stopped and is left out (" + reader.attribute("stopped_because") + ")");
      continue;
    }
    std::vector<std::string> evaluated;
    for (const auto& stage : reader.stage_names()) {
      if (!reader.evaluators(stage).empty()) evaluated.push_back(stage);
    }
    if (evaluated.empty()) {
      collected.notes.push_back("run " + run + " (" + status + ") has no evaluation and is left out");
      continue;
    }
    if (status != "complete" && options.by == "stage") {
      collected.notes.push_back("run " + run + " is " + status + "; what it has is shown");
    }
    const bool is_by_key = options.by != "stage" && options.by != "run";
    const auto resolved = is_by_key ? reader.resolved() : std::vector<ResolvedRow>{};
    // Comparing runs means comparing what each ended with.
    if (options.by != "stage") evaluated = {evaluated.back()};
    for (const auto& stage : evaluated) {
      const std::string column = column_of(run, resolved, stage, options.by);
      if (options.by == "stage") collected.column_parents.emplace(stage, ancestors_of(reader, stage));
      for (const auto& evaluator : reader.evaluators(stage)) {
        sources.push_back({column, run, stage, evaluator, status == "complete", reader.scores(stage, evaluator), path});
      }
    }
  }
  if (options.by != "stage") leave_out_early_ends(sources, collected.notes);
  std::set<std::string> columns;
  for (const auto& source : sources) {
    if (columns.insert(source.column).second) collected.columns.push_back(source.column);
  }
  for (auto& source : sources) {
    for (const auto& row : source.result.examples) source.rows.push_back(&row);
    // Runs of one evaluator mostly give their items in one order, which is often sorted already.
    if (!std::is_sorted(source.rows.begin(), source.rows.end(), key_less)) {
      std::sort(source.rows.begin(), source.rows.end(), key_less);
    }
    const auto same = [](const ExampleRow* a, const ExampleRow* b) { return !key_less(a, b); };
    const auto twice = std::adjacent_find(source.rows.begin(), source.rows.end(), same);
    if (twice == source.rows.end()) continue;
    throw DataError("evaluator '" + source.evaluator + "' of " + source.name() + " has item '" + (*twice)->item_id +
                    "' twice with the same prompt; nothing can be paired");
  }
  return sources;
}

Rows in_both(const Rows& rows, const Rows& wanted) {
  Rows both;
  std::set_intersection(rows.begin(), rows.end(), wanted.begin(), wanted.end(), std::back_inserter(both), key_less);
  return both;
}

/// Reduces the sources of an evaluator to the items that all of them share. Different sets are refused unless `intersect`.
void share_items(const std::vector<Source*>& sources, bool intersect, std::vector<std::string>& notes) {
  Rows shared = sources.front()->rows;
  std::size_t most = 0;
  bool all_equal = true;
  for (const auto* source : sources) {
    Rows both = in_both(shared, source->rows);
    const bool equal = both.size() == shared.size() && both.size() == source->rows.size();
    if (!equal && !intersect) {
      throw DataError("evaluator '" + source->evaluator + "': " + sources.front()->name() + " has " +
                      std::to_string(shared.size()) + " items and " + source->name() + " has " +
                      std::to_string(source->rows.size()) + ", of which " + std::to_string(both.size()) +
                      " are the same (item_id and prompt); their scores cannot be compared. Use --intersect to compare the "
                      "shared items only");
    }
    all_equal = all_equal && equal;
    most = std::max(most, source->rows.size());
    shared = std::move(both);
  }
  if (shared.size() < most) {
    notes.push_back("evaluator " + sources.front()->evaluator + ": differences rest on the " +
                    std::to_string(shared.size()) + " shared of up to " + std::to_string(most) + " items");
  }
  if (all_equal) return;
  for (auto* source : sources) source->rows = in_both(source->rows, shared);
}

std::ptrdiff_t score_index(const EvalResult& result, const std::string& name) {
  const auto found = std::find(result.score_names.begin(), result.score_names.end(), name);
  return found == result.score_names.end() ? -1 : found - result.score_names.begin();
}

/// Per-item values of a metric over all runs of a column, or nothing if the evaluator gave none. A metric that is a ratio
/// of sums has the score columns NAME.num and NAME.den.
std::vector<ItemValue> item_values(const std::vector<Source*>& sources, const std::string& metric) {
  std::vector<ItemValue> values(sources.front()->rows.size(), {0, 0});
  for (const auto* source : sources) {
    const auto mean = score_index(source->result, metric);
    const auto num = score_index(source->result, metric + ".num"), den = score_index(source->result, metric + ".den");
    if (mean < 0 && (num < 0 || den < 0)) return {};
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto& scores = source->rows[i]->scores;
      const double top = scores[static_cast<std::size_t>(mean >= 0 ? mean : num)];
      const double bottom = mean >= 0 ? 1 : scores[static_cast<std::size_t>(den)];
      if (std::isnan(top) || std::isnan(bottom)) return {};
      values[i].numerator += top;
      values[i].denominator += bottom;
    }
  }
  // A mean over several runs is again a mean: one value an item.
  if (score_index(sources.front()->result, metric) >= 0) {
    for (auto& value : values) value = {value.numerator / value.denominator, 1};
  }
  return values;
}

Cell make_cell(const std::vector<Source*>& sources, const std::string& metric) {
  Cell cell;
  std::vector<const MetricValue*> values;
  for (const auto* source : sources) {
    for (const auto& value : source->result.metrics) {
      if (value.spec.name == metric) values.push_back(&value);
    }
  }
  for (const auto* source : sources) {
    for (const auto& value : source->result.metrics) {
      if (value.spec.name == metric) cell.run_values[source->run_id] = value.value;
    }
  }
  cell.runs = static_cast<int>(values.size());
  if (values.empty()) return cell;
  cell.value = *values.front();
  if (values.size() > 1) {
    double mean = 0, squares = 0;
    for (const auto* value : values) mean += value->value / static_cast<double>(values.size());
    for (const auto* value : values) squares += (value->value - mean) * (value->value - mean);
    const auto k = static_cast<double>(values.size());
    cell.value.value = mean;
    // Items are the same in all runs, so the item error does not shrink with runs; the run-to-run error adds to it.
    double item_error = 0;
    for (const auto* value : values) item_error += value->std_error / k;
    cell.value.std_error = std::sqrt(item_error * item_error + squares / (k - 1) / k);
    cell.value.ci_low = mean - 1.959963984540054 * cell.value.std_error;
    cell.value.ci_high = mean + 1.959963984540054 * cell.value.std_error;
  }
  cell.items = item_values(sources, metric);
  return cell;
}

}  // namespace

Collected collect_records(const std::vector<std::filesystem::path>& records, const CompareOptions& options) {
  if (records.empty()) throw ConfigError("there is nothing to compare; name at least one record");
  Collected collected;
  std::vector<Source> sources = read_sources(records, options, collected);
  std::vector<std::string> evaluators;
  for (const auto& source : sources) add_unique(evaluators, source.evaluator);
  std::regex wanted;
  try {
    wanted = std::regex(options.metric.empty() ? ".*" : options.metric);
  } catch (const std::regex_error& error) {
    throw ConfigError("--metric " + options.metric + " is no regular expression: " + error.what());
  }
  for (const auto& evaluator : evaluators) {
    std::vector<Source*> all;
    std::map<std::string, std::vector<Source*>> by_column;
    std::vector<std::string> names;
    std::map<std::string, MetricSpec> specs;
    for (auto& source : sources) {
      if (source.evaluator != evaluator) continue;
      all.push_back(&source);
      by_column[source.column].push_back(&source);
      for (const auto& metric : source.result.metrics) {
        add_unique(names, metric.spec.name);
        specs.emplace(metric.spec.name, metric.spec);
      }
    }
    share_items(all, options.intersect, collected.notes);
    ItemSet& items = collected.items[evaluator];
    for (const ExampleRow* row : all.front()->rows) {
      items.keys.emplace_back(row->item_id, row->prompt_sha);
      items.clusters.push_back(row->cluster);
    }
    for (const auto& [column, of_column] : by_column) {
      items.sources[column] = {of_column.front()->record, of_column.front()->stage};
    }
    for (const auto& name : names) {
      if (!std::regex_search(name, wanted) && !std::regex_search(evaluator + "." + name, wanted)) continue;
      MetricRow row{evaluator, specs.at(name), {}};
      for (const auto& [column, of_column] : by_column) {
        Cell cell = make_cell(of_column, name);
        if (cell.runs > 0) row.cells.emplace(column, std::move(cell));
      }
      collected.rows.push_back(std::move(row));
    }
  }
  return collected;
}

}  // namespace temper
