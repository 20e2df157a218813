// Reading what a report is about (see data.h).
#include "host/report/data.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <regex>
#include <set>

#include "host/sweep/sweep.h"
#include "host/util/files.h"
#include "temper/error.h"

namespace temper::report {
namespace fs = std::filesystem;
namespace {

/// Items times metrics times columns that are resampled at most, at about 0.1 ms each: with many columns seconds, and with
/// few, where differences are what the page is for, half a minute.
constexpr std::size_t kMostWork = 30'000, kMostWorkOfFew = 300'000;
constexpr std::size_t kFewColumns = 6;
/// Columns that the best one is compared with.
constexpr std::size_t kMostRivals = 10;
constexpr std::int64_t kMostFlips = 20;
constexpr std::size_t kMostLabelKeys = 3;

std::string reason_of(const std::vector<RunStage>& stages) {
  std::string reason;
  for (const auto& stage : stages) {
    if (stage.summary.status != "complete" && !stage.notes.empty()) reason = stage.name + ": " + stage.notes.back();
  }
  return reason;
}

Run read_run(const fs::path& path, Data& data) {
  const RecordReader reader(path);
  Run run;
  run.path = path;
  run.attributes = reader.attributes();
  run.id = reader.attribute("run_id");
  run.status = reader.attribute("status");
  run.resolved = reader.resolved();
  run.ledger = reader.ledger();
  for (const auto& row : run.resolved) run.values.emplace(row.key, row.value);
  run.plugins = reader.plugins();
  for (const auto& name : reader.stage_names()) {
    RunStage stage{name, reader.stage(name), {}, reader.log_names(name)};
    for (const auto& note : reader.notes(name)) stage.notes.push_back(note.text);
    run.stages.push_back(std::move(stage));
  }
  if (run.status != "complete") run.reason = reason_of(run.stages);
  if (run.status == "stopped") run.reason = run.attributes["stopped_because"];
  const auto file = run.attributes.find("host_experiment_file");
  const Config config{file == run.attributes.end() ? "" : file->second, reader.config_source()};
  const auto same = std::find_if(data.configs.begin(), data.configs.end(), [&](const Config& other) {
    return other.file == config.file && other.text == config.text;
  });
  run.config = static_cast<std::size_t>(same - data.configs.begin());
  if (same == data.configs.end()) data.configs.push_back(config);
  return run;
}

/// A record that was named has to be readable; one that merely lies in a folder is left out and mentioned.
void read_path(const fs::path& path, Data& data, std::set<fs::path>& seen) {
  const auto take = [&](const fs::path& record, bool named) {
    if (!seen.insert(fs::absolute(record).lexically_normal()).second) return;
    try {
      data.runs.push_back(read_run(record, data));
    } catch (const DataError& error) {
      if (named) throw;
      data.unreadable.push_back("'" + record.filename().string() + "' is left out: " + error.what());
    }
  };
  if (!fs::exists(path))
    throw DataError("'" + path.string() + "' does not exist; name a record (.h5), a folder of records or a sweep");
  if (!fs::is_directory(path)) return take(path, true);
  if (is_sweep(path)) {
    const SweepPlan plan = load_plan(path);
    for (const auto& axis : plan.axes) {
      if (std::find(data.axes.begin(), data.axes.end(), axis) == data.axes.end()) data.axes.push_back(axis);
    }
    for (const auto& run : plan.runs) {
      const fs::path record = path / (run.run_id + ".h5");
      fs::exists(record) ? take(record, false) : data.waiting.push_back(run.run_id);
    }
    if (plan.halving) {
      for (const auto& verdict : load_verdicts(plan, path)) data.halving.push_back(summary_of(verdict, *plan.halving));
    }
    data.title = "Sweep " + plan.name;
    return;
  }
  const auto records = files_in(path, ".h5");
  if (records.empty()) throw DataError("folder '" + path.string() + "' holds no record (.h5) and no sweep.json");
  for (const auto& record : records) take(record, false);
}

/// Which keys differ, and the label of each run that follows from it.
void tell_apart(Data& data) {
  std::map<std::string, std::set<std::string>> values;
  for (const auto& run : data.runs) {
    for (const auto& [key, value] : run.values) values[key].insert(value);
  }
  for (const auto& [key, all] : values) {
    if (all.size() > 1 && key != "seed") data.differing.push_back(key);
  }
  const auto& keys = data.axes.empty() ? data.differing : data.axes;
  for (auto& run : data.runs) {
    for (const auto& key : keys) {
      run.cell += (run.cell.empty() ? "" : ", ") + short_key(key) + "=" + value_of(run, key);
    }
    if (data.axes.empty() && keys.size() > kMostLabelKeys) run.cell = run.id;
  }
}

void choose_metric(Data& data) {
  const auto& rows = data.collected.rows;
  const std::string& wanted = data.options.metric;
  if (wanted.empty()) {
    for (std::size_t i = 0; i < rows.size() && !data.row; ++i) {
      const auto& cells = rows[i].cells;
      const bool has_items = std::any_of(cells.begin(), cells.end(), [](const auto& c) { return !c.second.items.empty(); });
      if (rows[i].spec.better != Better::kNeither && has_items) data.row = i;
    }
    return;
  }
  std::regex pattern;
  try {
    pattern = std::regex(wanted);
  } catch (const std::regex_error& error) {
    throw ConfigError("--metric " + wanted + " is no regular expression: " + error.what());
  }
  std::string known;
  for (std::size_t i = 0; i < rows.size() && !data.row; ++i) {
    if (std::regex_search(rows[i].spec.name, pattern) || std::regex_search(metric_name(rows[i]), pattern)) data.row = i;
    known += (known.empty() ? "" : ", ") + metric_name(rows[i]);
  }
  if (data.row) return;
  throw ConfigError("--metric " + wanted + ": no metric's name matches; " +
                    (known.empty() ? "the records hold no evaluation" : "there are: " + known));
}

/// What comparing needs of `collected`, for some columns and rows; texts stay behind.
Collected part_of(const Collected& collected, const std::vector<std::string>& columns,
                  const std::vector<std::size_t>& rows) {
  Collected part;
  part.columns = columns;
  for (const std::size_t r : rows) {
    const MetricRow& row = collected.rows[r];
    MetricRow kept{row.evaluator, row.spec, {}};
    for (const auto& column : columns) {
      if (const auto found = row.cells.find(column); found != row.cells.end()) kept.cells.emplace(column, found->second);
    }
    part.items[row.evaluator].clusters = collected.items.at(row.evaluator).clusters;
    part.rows.push_back(std::move(kept));
  }
  return part;
}

void compare_all(Data& data) {
  std::size_t work = 0;
  std::vector<std::size_t> all;
  for (std::size_t r = 0; r < data.collected.rows.size(); ++r) {
    all.push_back(r);
    for (const auto& [column, found] : data.collected.rows[r].cells) work += found.items.size();
  }
  data.only_chosen = work > (data.collected.columns.size() <= kFewColumns ? kMostWorkOfFew : kMostWork);
  std::vector<std::string> columns = data.collected.columns;
  if (data.only_chosen) {
    all.clear();
    if (data.row) {
      const MetricRow& row = data.collected.rows[*data.row];
      all.push_back(*data.row);
      columns = columns_by_rank(row, columns);
      const std::size_t items = std::max<std::size_t>(data.collected.items.at(row.evaluator).clusters.size(), 1);
      if (columns.size() * items > kMostWork) columns.resize(std::max<std::size_t>(kMostWork / items, 2));
      if (std::find(columns.begin(), columns.end(), data.baseline) == columns.end()) columns.push_back(data.baseline);
    }
  }
  data.comparison = compare(part_of(data.collected, columns, all), data.baseline);
}

void find_best(Data& data) {
  if (!data.row) return;
  const MetricRow& row = data.collected.rows[*data.row];
  if (row.spec.better == Better::kNeither) return;
  auto columns = columns_by_rank(row, data.collected.columns);
  if (columns.empty()) return;
  if (columns.size() > kMostRivals) columns.resize(kMostRivals);
  Best best{columns.front(), "", false, row.cells.at(columns.front()).value, {}, 1, 0};
  if (columns.size() > 1) {
    best.rival = columns[1];
    best.rival_is_baseline = best.rival == data.baseline;
    const Comparison against = compare(part_of(data.collected, columns, {*data.row}), best.column);
    for (const auto& one : against.rows.front().cells) {
      if (!one.paired) continue;
      ++best.comparisons;
      if (one.column != best.rival) continue;
      best.over_rival = one.paired;
      best.over_rival->difference = -one.paired->difference;
      best.over_rival->ci_low = -one.paired->ci_high;
      best.over_rival->ci_high = -one.paired->ci_low;
      best.p_holm = one.p_holm;
    }
  }
  data.best = std::move(best);
}

void compare_runs(Data& data) {
  std::vector<fs::path> records;
  for (const auto& run : data.runs) records.push_back(run.path);
  CompareOptions options;
  options.by = data.by;
  options.intersect = data.options.intersect;
  options.max_flips = kMostFlips;
  data.collected = collect_records(records, options);
  choose_metric(data);
  if (data.collected.columns.empty()) {
    data.no_comparison = "No run has an evaluation, so there is nothing to compare.";
    return;
  }
  data.baseline = data.options.baseline.empty() ? data.collected.columns.front() : data.options.baseline;
  check_column(data.collected, data.baseline, "--baseline");
  compare_all(data);
  find_best(data);
  options.baseline = data.baseline;
  try {
    data.flips = find_flips(data.collected, options);
  } catch (const DataError&) {
    data.flips.clear();  // one column only, or no metric of yes and no: the section says so
  }
  if (data.by != "stage" && data.runs.size() * data.collected.rows.size() > 2000) return;
  try {
    options.by = "stage";
    data.tax = alignment_tax(data.by == "stage" ? data.collected : collect_records(records, options));
  } catch (const DataError&) {
    data.tax.reset();  // fewer than two evaluated stages
  }
}

}  // namespace

std::string short_key(const std::string& key) { return key.starts_with("stages.") ? key.substr(7) : key; }

std::string metric_name(const MetricRow& row) { return row.evaluator + "." + row.spec.name; }

const char* direction(Better better) {
  return better == Better::kHigher ? "higher is better" : better == Better::kLower ? "lower is better" : "neither is better";
}

std::string value_of(const Run& run, const std::string& key) {
  const auto found = run.values.find(key);
  if (found != run.values.end()) return found->second;
  const auto plugin = run.values.find(key + ".plugin");
  return plugin == run.values.end() ? "" : plugin->second;
}

std::vector<std::string> distinct_values(const std::vector<Run>& runs, const std::string& key) {
  std::vector<std::string> values;
  bool numbers = true;
  for (const auto& run : runs) {
    const std::string value = value_of(run, key);
    if (std::find(values.begin(), values.end(), value) != values.end()) continue;
    char* end = nullptr;
    std::strtod(value.c_str(), &end);
    numbers = numbers && !value.empty() && *end == 0;
    values.push_back(value);
  }
  if (numbers) {
    std::sort(values.begin(), values.end(), [](const auto& a, const auto& b) {
      return std::strtod(a.c_str(), nullptr) < std::strtod(b.c_str(), nullptr);
    });
  }
  return values;
}

std::vector<std::string> columns_by_rank(const MetricRow& row, const std::vector<std::string>& columns) {
  std::vector<std::string> ranked;
  for (const auto& column : columns) {
    const auto found = row.cells.find(column);
    if (found != row.cells.end() && !std::isnan(found->second.value.value)) ranked.push_back(column);
  }
  const double sign = row.spec.better == Better::kLower ? 1 : -1;
  std::stable_sort(ranked.begin(), ranked.end(), [&](const auto& a, const auto& b) {
    return sign * row.cells.at(a).value.value < sign * row.cells.at(b).value.value;
  });
  return ranked;
}

Data read_data(const ReportOptions& options) {
  if (options.paths.empty()) throw ConfigError("there is nothing to report; name a record, a folder of records or a sweep");
  Data data;
  data.options = options;
  std::set<fs::path> seen;
  for (const auto& path : options.paths) read_path(path, data, seen);
  if (data.runs.empty()) {
    throw DataError("no record can be read, so there is nothing to report" +
                    (data.unreadable.empty() ? std::string() : ": " + data.unreadable.front()));
  }
  if (data.title.empty() || options.paths.size() > 1) {
    data.title = data.runs.size() == 1 ? "Run " + data.runs[0].id : std::to_string(data.runs.size()) + " runs";
  }
  tell_apart(data);
  for (const auto& axis : data.axes) data.by += (data.by.empty() ? "" : ",") + axis;
  if (!options.by.empty()) data.by = options.by;
  if (data.by.empty()) data.by = "stage";
  compare_runs(data);
  return data;
}

}  // namespace temper::report
