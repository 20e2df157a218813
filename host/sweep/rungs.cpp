// Halving while a sweep runs (see rungs.h).
#include "host/sweep/rungs.h"

#include <algorithm>
#include <cmath>

#include "host/config/yaml_tree.h"
#include "host/record/record_reader.h"
#include "host/record/run_record.h"
#include "temper/error.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

/// "" if there is no record. A damaged one is left as it is; `temper status` and `temper verify` name it.
std::string status_at(const fs::path& record) {
  if (!fs::exists(record)) return "";
  try {
    return RecordReader(record).attribute("status");
  } catch (const DataError&) {
    return "unreadable";
  }
}

/// The last value of the stage's log up to the rung's step.
double logged(const RecordReader& reader, const Rung& rung, const std::string& metric) {
  const std::string where = "halving: the log of stage " + rung.stage + " in run " + reader.attribute("run_id");
  const auto names = reader.log_names(rung.stage);
  if (std::find(names.begin(), names.end(), metric) == names.end()) {
    throw ConfigError(where + " has no metric " + metric + "; it has " + config::join(names));
  }
  const auto points = reader.log(rung.stage, metric);
  std::optional<double> last;
  for (const auto& point : points) {
    if (rung.step == 0 || point.step <= rung.step) last = point.value;
  }
  if (last) return *last;
  throw ConfigError(where + " has no value of " + metric + " up to step " + std::to_string(rung.step) +
                    (points.empty() ? "; validations are set by validate_every and validation_batches"
                                    : "; its first one is at step " + std::to_string(points.front().step)));
}

double evaluated(const RecordReader& reader, const Rung& rung, const std::string& evaluator, const std::string& metric) {
  std::vector<std::string> names;
  for (const auto& value : reader.scores(rung.stage, evaluator).metrics) {
    if (value.spec.name == metric) return value.value;
    names.push_back(value.spec.name);
  }
  throw ConfigError("halving: evaluator " + evaluator + " gives no metric " + metric + " after stage " + rung.stage +
                    "; it gives " + config::join(names));
}

}  // namespace

Rungs::Rungs(const SweepPlan& plan, fs::path folder)
    : plan_(plan),
      folder_(std::move(folder)),
      stopped_at_(plan.runs.size(), plan.rung_tasks.size()),
      left_(plan.runs.size(), true),
      runners_(plan.tasks.size()) {
  choose_runners();
}

void Rungs::take_up() {
  if (!plan_.halving) return;
  measured_.assign(plan_.rung_tasks.size(), std::vector<std::optional<double>>(plan_.runs.size()));
  bool holds = true;
  for (auto& verdict : load_verdicts(plan_, folder_)) {
    const std::size_t rung = rung_of(verdict);
    for (const auto& one : verdict.ranked) {
      for (std::size_t i = 0; i < one.runs.size(); ++i) {
        measured_[rung][one.runs[i]] = one.values[i];
        holds = holds && (one.values[i] || status_at(record_of(one.runs[i])) != "failed");
      }
    }
    if (!holds) continue;
    take(verdict);
    verdicts_.push_back(std::move(verdict));
  }
}

void Rungs::choose_runners() {
  for (std::size_t t = 0; t < runners_.size(); ++t) runners_[t] = plan_.tasks[t].run;  // where nobody is left to need it
  for (std::size_t rung = 0; rung < plan_.rung_tasks.size(); ++rung) {
    const auto& tasks = plan_.rung_tasks[rung];
    for (std::size_t r = tasks.size(); r-- > 0;) {
      if (stopped_at_[r] >= rung) runners_[tasks[r]] = r;
    }
  }
}

bool Rungs::was_done(std::size_t task) const {
  const std::size_t run = runner_of(task);
  if (measured_[*plan_.tasks[task].rung][run]) return true;
  const fs::path record = record_of(run);
  const std::string status = status_at(record);
  if (status == "diverged") return true;
  return status == "partial" &&
         RecordReader(record).attributes()["reached"] == plan_.halving->rungs[*plan_.tasks[task].rung].text();
}

std::optional<double> Rungs::value_of(std::size_t run, const Rung& rung) const {
  const RecordReader reader(record_of(run));
  if (reader.attribute("status") == "diverged") return std::nullopt;
  const std::string& metric = plan_.halving->metric;
  for (const auto& evaluator : reader.evaluators(rung.stage)) {
    if (rung.step > 0 || !metric.starts_with(evaluator + ".")) continue;
    const double value = evaluated(reader, rung, evaluator, metric.substr(evaluator.size() + 1));
    return std::isfinite(value) ? std::optional(value) : std::nullopt;
  }
  const double value = logged(reader, rung, metric);
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

const Verdict& Rungs::decide(const std::vector<bool>& failed) {
  const std::size_t index = decided();
  Verdict verdict{plan_.halving->rungs[index], {}};
  auto contenders = contenders_at(verdict.rung, plan_, left_);
  for (auto& one : contenders) {
    for (const std::size_t run : one.runs) {
      const std::size_t task = plan_.rung_tasks[index][run];
      std::optional<double> value = measured_[index][run];
      if (!value && !failed[task]) value = value_of(runner_of(task), verdict.rung);
      one.values.push_back(value);
    }
  }
  verdict.ranked = rank_contenders(std::move(contenders), *plan_.halving, plan_);
  verdicts_.push_back(std::move(verdict));
  // The verdict first: from here on it is what it is, whenever this process ends.
  save_verdicts(verdicts_, plan_, folder_);
  take(verdicts_.back());
  return verdicts_.back();
}

std::size_t Rungs::rung_of(const Verdict& verdict) const {
  const auto& rungs = plan_.halving->rungs;
  return static_cast<std::size_t>(std::find(rungs.begin(), rungs.end(), verdict.rung) - rungs.begin());
}

void Rungs::take(const Verdict& verdict) {
  const std::size_t index = rung_of(verdict);
  for (std::size_t place = 0; place < verdict.ranked.size(); ++place) {
    if (verdict.ranked[place].goes_on) continue;
    for (const std::size_t run : verdict.ranked[place].runs) {
      left_[run] = false;
      stopped_at_[run] = index;
    }
    mark(verdict, place);
  }
  choose_runners();
}

void Rungs::mark(const Verdict& verdict, std::size_t place) const {
  const Contender& one = verdict.ranked[place];
  const std::string reason = reason_to_stop(verdict, place, *plan_.halving);
  for (std::size_t i = 0; i < one.runs.size(); ++i) {
    const fs::path path = record_of(one.runs[i]);
    const std::string status = status_at(path);
    // A run that failed or diverged says so; one that somebody went on with by hand is left alone.
    if (!status.empty() && status != "partial") continue;
    if (status.empty()) make_placeholder(plan_, one.runs[i], path);
    const auto record = RunRecord::open(path);
    record->set_stopped(reason, one.values[i]);
    record->flush();
  }
}

void make_placeholder(const SweepPlan& plan, std::size_t run, const fs::path& record) {
  const PlannedRun& planned = plan.runs[run];
  RecordFacts facts;
  facts.experiment = plan.experiment;
  facts.run_id = planned.run_id;
  facts.seed = planned.seed;
  facts.config_source = plan.text;
  for (std::size_t i = 0; i < planned.values.size(); ++i) {
    facts.resolved.push_back({planned.values[i].first, planned.resolved[i], "command line", "sweep"});
  }
  RunRecord::create(record, facts);
}

bool is_placeholder(const fs::path& record) { return RecordReader(record).attributes().count("host_identity") == 0; }

}  // namespace temper
