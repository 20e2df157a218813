// Writing a record (see run_record.h).
#include "host/record/run_record.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <type_traits>
#include <variant>

#include "host/record/image_file.h"
#include "host/record/layout.h"
#include "host/record/names.h"
#include "host/record/record_state.h"
#include "host/record/table.h"
#include "host/util/files.h"
#include "host/util/time_text.h"
#include "temper/abi_tag.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

constexpr int kPausePerFlush = 100;  // writing takes at most one part in so many

template <class Row, class Field>
std::vector<Field> column_of(const std::vector<Row>& rows, Field Row::*field) {
  std::vector<Field> values;
  for (const auto& row : rows) values.push_back(row.*field);
  return values;
}

constexpr const char* kSamples = "samples";
constexpr const char* kSentinels = "sentinels";

void append_columns(Table& all, const Table& added, const std::string& stage) {
  if (all.columns.size() != added.columns.size()) {
    throw PluginError("stage '" + stage + "' changed the scores of its samples; they have to stay the same");
  }
  for (std::size_t i = 0; i < all.columns.size(); ++i) {
    std::visit(
        [&](auto& values) {
          const auto& more = std::get<std::decay_t<decltype(values)>>(added.columns[i].data);
          values.insert(values.end(), more.begin(), more.end());
        },
        all.columns[i].data);
  }
}

/// A record in which nothing happened yet.
h5::Handle image_of(const RecordFacts& facts) {
  h5::Handle image = new_image();
  const hid_t root = image;
  h5::set_attribute(root, "schema_version", layout::kSchemaVersion);
  h5::set_attribute(root, "temper_version", std::string(TEMPER_TAG_SDK));
  h5::set_attribute(root, "experiment", facts.experiment);
  h5::set_attribute(root, "run_id", facts.run_id);
  h5::set_attribute(root, "seed", facts.seed);
  h5::set_attribute(root, "status", std::string("running"));
  h5::set_attribute(root, "created", now_text());
  h5::set_attribute(root, "finished", std::string());
  for (const auto& [key, value] : facts.host) h5::set_attribute(root, "host_" + key, value);
  const h5::Handle config = h5::open_or_create_group(root, "config");
  h5::write_text(config, "source", facts.config_source);
  h5::write_table(config, "resolved",
                  {{{"key", column_of(facts.resolved, &ResolvedRow::key)},
                    {"value", column_of(facts.resolved, &ResolvedRow::value)},
                    {"source", column_of(facts.resolved, &ResolvedRow::source)},
                    {"where", column_of(facts.resolved, &ResolvedRow::where)}}});
  h5::write_table(root, "plugins",
                  {{{"slot", column_of(facts.plugins, &PluginRow::slot)},
                    {"kind", column_of(facts.plugins, &PluginRow::kind)},
                    {"id", column_of(facts.plugins, &PluginRow::id)},
                    {"version", column_of(facts.plugins, &PluginRow::version)},
                    {"sha256", column_of(facts.plugins, &PluginRow::sha256)},
                    {"abi_tag", column_of(facts.plugins, &PluginRow::abi_tag)}}});
  h5::open_or_create_group(root, "stages");
  return image;
}

}  // namespace

RunRecord::RunRecord(std::unique_ptr<State> state) : state_(std::move(state)) {}

RunRecord::~RunRecord() {
  const h5::Session session;
  try {
    if (state_->changed) state_->save();
  } catch (const std::exception&) {
    // The owner flushes where a failure matters; here nobody could act on it, and the file on disk is whole.
  }
  state_->file = {};
}

std::unique_ptr<RunRecord> RunRecord::create(const fs::path& path, const RecordFacts& facts) {
  const h5::Session session;
  create_folders(path.has_parent_path() ? path.parent_path() : ".");
  refuse_existing(path);
  auto state = std::make_unique<State>(path);
  remove_leftovers(path);
  state->file = image_of(facts);
  save_image(state->file, path, true);
  return std::unique_ptr<RunRecord>(new RunRecord(std::move(state)));
}

std::unique_ptr<RunRecord> RunRecord::create_unkept(const RecordFacts& facts) {
  const h5::Session session;
  auto state = std::make_unique<State>();
  state->file = image_of(facts);
  return std::unique_ptr<RunRecord>(new RunRecord(std::move(state)));
}

std::unique_ptr<RunRecord> RunRecord::open(const fs::path& path) {
  const h5::Session session;
  if (!fs::exists(path)) throw DataError("record '" + path.string() + "' does not exist");
  auto state = std::make_unique<State>(path);
  state->file = load_image(path, true);
  layout::check_schema(state->file, path.string());
  remove_leftovers(path);
  for (const auto& stage : layout::stage_names(state->file)) {
    for (const auto& metric : layout::names_in(layout::open_stage(state->file, stage), "log")) state->log[stage][metric];
  }
  return std::unique_ptr<RunRecord>(new RunRecord(std::move(state)));
}

void RunRecord::set_data(const std::vector<DataRow>& rows) {
  const h5::Session session;
  if (rows == state_->data && h5::has_link(state_->file, "data")) return;
  h5::write_table(state_->file, "data",
                  {{{"name", column_of(rows, &DataRow::name)},
                    {"path", column_of(rows, &DataRow::path)},
                    {"sha256", column_of(rows, &DataRow::sha256)},
                    {"documents", column_of(rows, &DataRow::documents)},
                    {"bytes", column_of(rows, &DataRow::bytes)},
                    {"tokens", column_of(rows, &DataRow::tokens)}}});
  state_->data = rows;
  state_->changed = true;
}

void RunRecord::set_ledger(const std::vector<LedgerRow>& rows) {
  const h5::Session session;
  const h5::Handle group = h5::open_or_create_group(state_->file, "ledger");
  h5::write_table(group, "filters",
                  {{{"name", column_of(rows, &LedgerRow::name)},
                    {"plugin", column_of(rows, &LedgerRow::plugin)},
                    {"documents", column_of(rows, &LedgerRow::documents)},
                    {"dropped", column_of(rows, &LedgerRow::dropped)},
                    {"edited", column_of(rows, &LedgerRow::edited)},
                    {"bytes_in", column_of(rows, &LedgerRow::bytes_in)},
                    {"bytes_out", column_of(rows, &LedgerRow::bytes_out)}}});
  std::vector<std::string> filters, kinds, names;
  std::vector<double> values;
  for (const auto& row : rows) {
    for (const auto& reason : row.reasons) {
      filters.push_back(row.name);
      kinds.push_back(reason.kind);
      names.push_back(reason.name);
      values.push_back(reason.value);
    }
  }
  h5::write_table(group, "reasons", {{{"filter", filters}, {"kind", kinds}, {"name", names}, {"value", values}}});
  state_->changed = true;
}

void RunRecord::begin_stage(const std::string& name, const StageFacts& facts) {
  const h5::Session session;
  const h5::Handle group = state_->stage(name);
  h5::set_attribute(group, "plugin", facts.plugin);
  h5::set_attribute(group, "parents", facts.parents);
  h5::set_attribute(group, "status", std::string("running"));
  h5::set_attribute(group, "cache_key", facts.cache_key);
  state_->changed = true;
}

void RunRecord::declare_metric(const std::string& stage, const MetricSpec& spec) {
  const h5::Session session;
  const h5::Handle group = h5::open_or_create_group(state_->stage(stage), "log");
  const std::string link = to_link_name(spec.name);
  if (!h5::has_link(group, link)) h5::write_table(group, link, log_table({}));
  const h5::Handle dataset = open_log(state_->stage(stage), spec.name);
  h5::set_attribute(dataset, "name", spec.name);
  h5::set_attribute(dataset, "unit", spec.unit);
  h5::set_attribute(dataset, "doc", spec.doc);
  h5::set_attribute(dataset, "higher_is_better", std::int64_t{layout::to_code(spec.better)});
  state_->log[stage][spec.name];
  state_->changed = true;
}

void RunRecord::append(const std::string& stage, const std::string& metric, std::int64_t step, double value) {
  const h5::Session session;
  const auto known = state_->log.find(stage);
  if (known == state_->log.end() || known->second.count(metric) == 0) {
    throw PluginError("stage '" + stage + "' logs metric '" + metric +
                      "' without declaring it; call declare() once before log()");
  }
  Series& series = known->second.at(metric);
  series.steps.push_back(step);
  series.values.push_back(value);
  state_->changed = true;
}

void RunRecord::truncate_log(const std::string& stage, std::int64_t last_step_kept) {
  const h5::Session session;
  if (const Table samples = layout::read_optional_table(state_->stage(stage), kSamples); samples.rows() > 0) {
    const auto& steps = samples.integers("step");
    const auto kept = std::count_if(steps.begin(), steps.end(), [&](auto step) { return step <= last_step_kept; });
    const h5::Handle dataset = h5::own(H5Dopen2(state_->stage(stage), kSamples, H5P_DEFAULT), "open the samples");
    h5::resize_table(dataset, static_cast<std::size_t>(kept));
    state_->changed = true;
  }
  const auto known = state_->log.find(stage);
  if (known == state_->log.end()) return;
  state_->write_log();
  const h5::Handle group = layout::open_group(state_->stage(stage), "log");
  for (const auto& [metric, unused] : known->second) {
    const Table table = h5::read_table(group, to_link_name(metric));
    const auto& steps = table.integers("step");
    const auto& values = table.numbers("value");
    Series kept;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (steps[i] > last_step_kept) continue;
      kept.steps.push_back(steps[i]);
      kept.values.push_back(values[i]);
    }
    if (kept.steps.size() == steps.size()) continue;
    const h5::Handle dataset = open_log(state_->stage(stage), metric);
    h5::resize_table(dataset, 0);
    h5::append_rows(dataset, log_table(std::move(kept)));
    state_->changed = true;
  }
}

void RunRecord::end_stage(const std::string& stage, const StageSummary& summary) {
  const h5::Session session;
  layout::write_stage(state_->stage(stage), summary);
  state_->changed = true;
}

std::optional<StageSummary> RunRecord::stage(const std::string& name) const {
  const h5::Session session;
  if (!layout::has_stage(state_->file, name)) return std::nullopt;
  return layout::read_stage(state_->file, name);
}

std::vector<std::string> RunRecord::stage_names() const {
  const h5::Session session;
  return layout::stage_names(state_->file);
}

void RunRecord::write_eval(const std::string& stage, const std::string& evaluator, const EvalResult& result) {
  const h5::Session session;
  const Table examples = layout::eval_examples_table(result);
  const Table metrics = layout::eval_metrics_table(result);
  const h5::Handle evals = h5::open_or_create_group(state_->stage(stage), "evals");
  const std::string link = to_link_name(evaluator);
  if (h5::has_link(evals, link)) {
    h5::require(H5Ldelete(evals, link.c_str(), H5P_DEFAULT), "replace the results of '" + evaluator + "'");
  }
  const h5::Handle group = h5::open_or_create_group(evals, link);
  h5::set_attribute(group, "name", evaluator);
  h5::write_table(group, "metrics", metrics);
  h5::write_table(group, "examples", examples);
  state_->changed = true;
}

bool RunRecord::has_eval(const std::string& stage, const std::string& evaluator) const {
  const h5::Session session;
  return layout::has_eval(state_->file, stage, evaluator);
}

void RunRecord::add_note(const std::string& stage, const std::string& text) {
  const h5::Session session;
  const h5::Handle group = state_->stage(stage);
  std::vector<std::string> times, texts;
  if (h5::has_link(group, "notes")) {
    const Table before = h5::read_table(group, "notes");
    times = before.texts("time");
    texts = before.texts("text");
  }
  times.push_back(now_text());
  texts.push_back(text);
  h5::write_table(group, "notes", {{{"time", std::move(times)}, {"text", std::move(texts)}}});
  state_->changed = true;
}

void RunRecord::add_samples(const std::string& stage, std::int64_t step, const std::vector<std::string>& score_names,
                            const std::vector<SampleRow>& rows) {
  const h5::Session session;
  std::vector<std::int64_t> steps(rows.size(), step);
  std::vector<std::string> prompts, responses;
  std::vector<std::vector<double>> scores(score_names.size());
  for (const auto& row : rows) {
    if (row.scores.size() != score_names.size()) {
      throw PluginError("stage '" + stage + "' gives a sample with " + std::to_string(row.scores.size()) + " scores for " +
                        std::to_string(score_names.size()) + " names");
    }
    prompts.push_back(row.prompt);
    responses.push_back(row.response);
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i].push_back(row.scores[i]);
  }
  Table added{{{"step", std::move(steps)}, {"prompt", std::move(prompts)}, {"response", std::move(responses)}}};
  for (std::size_t i = 0; i < scores.size(); ++i) added.columns.push_back({score_names[i], std::move(scores[i])});
  const h5::Handle group = state_->stage(stage);
  // Written as a whole: a later text may need another column type than the first ones did.
  Table all = layout::read_optional_table(group, kSamples);
  if (all.columns.empty()) {
    all = std::move(added);
  } else {
    append_columns(all, added, stage);
  }
  h5::write_table(group, kSamples, all);
  state_->changed = true;
}

void RunRecord::add_sentinel(const std::string& stage, const Sentinel& sentinel) {
  const h5::Session session;
  const h5::Handle group = state_->stage(stage);
  const Table before = layout::read_optional_table(group, kSentinels);
  std::vector<std::string> names, evidence;
  std::vector<std::int64_t> passed;
  std::vector<double> values, limits;
  const auto add = [&](const std::string& name, std::int64_t has_passed, double value, double limit,
                       const std::string& words) {
    names.push_back(name);
    passed.push_back(has_passed);
    values.push_back(value);
    limits.push_back(limit);
    evidence.push_back(words);
  };
  // A check made again after a resume takes its old place, so that the record is that of the straight run.
  bool placed = false;
  for (std::size_t i = 0; i < before.rows(); ++i) {
    if (before.texts("name")[i] == sentinel.name) {
      if (!placed) add(sentinel.name, sentinel.passed, sentinel.value, sentinel.limit, sentinel.evidence);
      placed = true;
    } else {
      add(before.texts("name")[i], before.integers("passed")[i], before.numbers("value")[i], before.numbers("limit")[i],
          before.texts("evidence")[i]);
    }
  }
  if (!placed) add(sentinel.name, sentinel.passed, sentinel.value, sentinel.limit, sentinel.evidence);
  h5::write_table(group, kSentinels,
                  {{{"name", std::move(names)},
                    {"passed", std::move(passed)},
                    {"value", std::move(values)},
                    {"limit", std::move(limits)},
                    {"evidence", std::move(evidence)}}});
  state_->changed = true;
}

void RunRecord::set_status(const std::string& status) {
  const h5::Session session;
  static const std::set<std::string> kKnown = {"running", "partial",   "complete", "diverged",
                                               "failed",  "cancelled", "stopped"};
  if (kKnown.count(status) == 0) {
    throw ConfigError("run status '" + status +
                      "' is unknown; use running, partial, complete, diverged, failed, cancelled or stopped");
  }
  h5::set_attribute(state_->file, "status", status);
  h5::set_attribute(state_->file, "finished", status == "running" ? std::string() : now_text());
  state_->changed = true;
}

void RunRecord::set_reached(const std::string& what) {
  const h5::Session session;
  h5::set_attribute(state_->file, "reached", what);
  state_->changed = true;
}

void RunRecord::set_stopped(const std::string& reason, const std::optional<double>& value) {
  set_status("stopped");
  const h5::Session session;
  h5::set_attribute(state_->file, "stopped_because", reason);
  if (value) h5::set_attribute(state_->file, "stopped_value", *value);
  state_->changed = true;
}

std::string RunRecord::attribute(const std::string& name) const {
  const h5::Session session;
  return h5::attribute_text(state_->file, name);
}

std::string RunRecord::attribute_or(const std::string& name, const std::string& fallback) const {
  const h5::Session session;
  return h5::has_attribute(state_->file, name) ? h5::attribute_text(state_->file, name) : fallback;
}

std::string RunRecord::config_source() const {
  const h5::Session session;
  return h5::read_text(layout::open_group(state_->file, "config"), "source");
}

std::vector<PluginRow> RunRecord::plugins() const {
  const h5::Session session;
  return layout::read_plugins(state_->file);
}

void RunRecord::flush() {
  const h5::Session session;
  const auto begin = RecordClock::now();
  state_->save();
  const auto end = RecordClock::now();
  state_->due = end + std::max<RecordClock::duration>(kShortestPause, kPausePerFlush * (end - begin));
}

void RunRecord::flush_if_due() {
  const h5::Session session;
  if (state_->changed && RecordClock::now() >= state_->due) flush();
}

const fs::path& RunRecord::path() const { return state_->path; }

}  // namespace temper
