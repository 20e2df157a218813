// The coordinator (see sweep.h).
#include "host/sweep/sweep.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <thread>

#include "host/record/record_reader.h"
#include "host/record/run_record.h"
#include "host/run/stage_cache.h"
#include "host/sweep/events.h"
#include "host/sweep/launcher.h"
#include "host/sweep/rungs.h"
#include "host/util/cancel.h"
#include "host/util/files.h"
#include "temper/error.h"

namespace temper {
namespace fs = std::filesystem;

namespace {

enum class State { kWaiting, kRunning, kDone, kFailed, kNotNeeded };

class Coordinator {
 public:
  Coordinator(const SweepPlan& plan, fs::path folder, const SweepOptions& options, Launcher& launcher,
              TerminalProgress& progress)
      : plan_(plan),
        folder_(std::move(folder)),
        options_(options),
        progress_(progress),
        rungs_(plan, folder_),
        states_(plan.tasks.size(), State::kWaiting),
        tries_(plan.tasks.size(), 0),
        launcher_(launcher) {}

  SweepOutcome run() {
    const EntryLock lock(
        folder_, [&](const std::string& owner) { refuse_second(owner); }, cancel_requested);
    if (!options_.use_cache) create_folders(own_cache());  // its being there says so to whoever goes on
    write_file_atomically(folder_ / "experiment.yaml", plan_.text);
    rungs_.take_up();
    skip_what_is_done();
    progress_.say("sweep " + plan_.name + ": " + std::to_string(plan_.runs.size()) + " runs, " +
                  std::to_string(count(State::kWaiting)) + " of " + std::to_string(plan_.tasks.size()) + " tasks to do, " +
                  launcher_.describe());
    take_over();
    while (true) {
      if (cancel_requested()) interrupt();
      collect();
      decide();
      if (!stopping_) start_ready();
      if (left_ || (count(State::kRunning) == 0 && (stopping_ || !has_ready()))) break;
      std::this_thread::sleep_for(launcher_.pause());
    }
    progress_.end();
    if (count(State::kDone) + count(State::kNotNeeded) == states_.size()) remove_own_cache();
    if (cancel_requested()) {
      throw Cancelled((left_ ? "this command ends, " + *left_ : "the sweep was stopped") + "; `temper resume " +
                      folder_.string() + "` goes on");
    }
    return outcome();
  }

 private:
  [[noreturn]] void refuse_second(const std::string& owner) const {
    throw DataError("sweep '" + folder_.string() + "' is being run by " + owner + "; wait for it to end, or stop it first");
  }

  fs::path own_cache() const { return folder_ / "work" / "cache"; }
  fs::path cache() const {
    return options_.use_cache && !fs::exists(own_cache()) ? folder_.parent_path() / "cache" : own_cache();
  }
  void remove_own_cache() const {
    std::error_code ignored;
    fs::remove_all(own_cache(), ignored);
  }

  fs::path record_of(std::size_t run) const { return folder_ / (plan_.runs[run].run_id + ".h5"); }
  /// Whose values the task is done with.
  std::size_t run_of(std::size_t task) const {
    return plan_.tasks[task].rung ? rungs_.runner_of(task) : plan_.tasks[task].run;
  }
  /// "sft", or "sft@100" where a rung judges at a step.
  std::string aim_of(std::size_t task) const {
    const Task& one = plan_.tasks[task];
    return one.rung ? plan_.halving->rungs[*one.rung].text() : one.stage;
  }
  std::string label(std::size_t task) const {
    const Task& one = plan_.tasks[task];
    return plan_.runs[run_of(task)].run_id + (one.stage.empty() ? "" : " " + aim_of(task));
  }
  std::size_t count(State state) const {
    return static_cast<std::size_t>(std::count(states_.begin(), states_.end(), state));
  }

  void note_event(std::size_t task, const std::string& event, double seconds = 0, const std::string& reason = "",
                  const std::string& where = "") {
    if (!append_event(folder_, {label(task), event, seconds, reason, where})) {
      progress_.say("the sweep's log of events could not be written; the sweep goes on");
    }
  }

  /// Complete runs need nothing, nor do those that were stopped; a stage that only they need is not computed.
  void skip_what_is_done() {
    std::vector<bool> needed(plan_.tasks.size(), false);
    for (std::size_t t = plan_.tasks.size(); t-- > 0;) {
      const Task& task = plan_.tasks[t];
      const bool is_left = !task.stage.empty() || rungs_.is_left(task.run);
      if (task.stage.empty()) needed[t] = is_left && !is_complete(record_of(task.run));
      const bool is_decided = task.rung && *task.rung < rungs_.decided();
      if (!needed[t] || is_decided) {
        states_[t] = task.stage.empty() && is_left ? State::kDone : State::kNotNeeded;
        if (!needed[t]) continue;
      }
      if (task.rung && !is_decided && rungs_.was_done(t)) states_[t] = State::kDone;
      for (const std::size_t need : task.needs) needed[need] = true;
    }
  }

  void skip_what_was_stopped() {
    const auto needed = tasks_of(plan_, rungs_.left());
    for (std::size_t t = 0; t < states_.size(); ++t) {
      if (!needed[t] && states_[t] == State::kWaiting) states_[t] = State::kNotNeeded;
    }
  }

  /// Judges rungs whose tasks have all ended, one way or another.
  void decide() {
    while (!stopping_ && !rungs_.all_decided()) {
      std::vector<bool> failed(states_.size());
      const auto& tasks = plan_.rung_tasks[rungs_.decided()];
      for (std::size_t r = 0; r < tasks.size(); ++r) {
        if (!rungs_.is_left(r)) continue;
        const State state = states_[tasks[r]];
        if (state == State::kWaiting || state == State::kRunning) return;
        failed[tasks[r]] = state == State::kFailed;
      }
      const Verdict& verdict = rungs_.decide(failed);
      progress_.say(rungs_.summary());
      if (!append_event(folder_, {"rung " + verdict.rung.text(), "decided", 0, rungs_.summary()})) {
        progress_.say("the sweep's log of events could not be written; the sweep goes on");
      }
      skip_what_was_stopped();
      first_waiting_ = 0;
    }
  }

  static std::string status_of(const fs::path& record) {
    if (!fs::exists(record)) return "";
    try {
      return RecordReader(record).attribute("status");
    } catch (const DataError&) {
      return "";
    }
  }
  static bool is_complete(const fs::path& record) { return status_of(record) == "complete"; }

  /// A stage in flight has a record of its own; runs take it from the cache.
  std::string name_of(std::size_t t) const {
    const std::string& run = plan_.runs[run_of(t)].run_id;
    return plan_.tasks[t].stage.empty() ? run : run + "." + aim_of(t);
  }
  /// On its way to a rung, a run writes its own record: if it is stopped there, that is what is left of it.
  bool is_of_run(std::size_t t) const { return plan_.tasks[t].stage.empty() || plan_.tasks[t].rung; }
  fs::path record_at(std::size_t t) const {
    return is_of_run(t) ? record_of(run_of(t)) : folder_ / "work" / plan_.tasks[t].stage / (name_of(t) + ".h5");
  }

  /// Whether nothing is before the task, or only what a launcher that takes waiting tasks has already.
  bool is_ready(std::size_t task) const {
    if (states_[task] != State::kWaiting || plan_.tasks[task].rungs_before > rungs_.decided()) return false;
    return std::all_of(plan_.tasks[task].needs.begin(), plan_.tasks[task].needs.end(), [&](std::size_t need) {
      return states_[need] == State::kDone || states_[need] == State::kNotNeeded ||
             (states_[need] == State::kRunning && launcher_.takes_waiting());
    });
  }
  bool has_ready() const {
    for (std::size_t t = first_waiting_; t < states_.size(); ++t) {
      if (is_ready(t)) return true;
    }
    return false;
  }

  void take_over() {
    std::vector<std::string> names;
    for (std::size_t t = 0; t < plan_.tasks.size(); ++t) names.push_back(name_of(t));
    const auto tasks = launcher_.take_over(names);
    for (const std::size_t t : tasks) states_[t] = State::kRunning;
    if (!tasks.empty()) progress_.say(std::to_string(tasks.size()) + " tasks of an earlier command are taken over");
  }

  void start_ready() {
    while (first_waiting_ < states_.size() && states_[first_waiting_] != State::kWaiting) ++first_waiting_;
    std::vector<TaskOrder> orders;
    const std::size_t room = launcher_.room();
    for (std::size_t t = first_waiting_; t < states_.size() && orders.size() < room; ++t) {
      if (!is_ready(t)) continue;
      orders.push_back(order_for(t));
      states_[t] = State::kRunning;
      ++tries_[t];
    }
    if (orders.empty()) return;
    for (const std::size_t t : launcher_.start(orders)) {
      states_[t] = State::kWaiting;
      --tries_[t];
      first_waiting_ = std::min(first_waiting_, t);
    }
  }

  /// Of the tasks under way that `t` needs, those that no other one of them needs.
  std::vector<std::size_t> behind(std::size_t t) const {
    std::vector<std::size_t> under_way;
    for (const std::size_t need : plan_.tasks[t].needs) {
      if (states_[need] == State::kRunning) under_way.push_back(need);
    }
    std::vector<std::size_t> last;
    for (const std::size_t need : under_way) {
      const bool implied = std::any_of(under_way.begin(), under_way.end(), [&](std::size_t other) {
        const auto& before = plan_.tasks[other].needs;
        return std::find(before.begin(), before.end(), need) != before.end();
      });
      if (!implied) last.push_back(need);
    }
    return last;
  }

  /// What to start for a task, and its folders made ready.
  TaskOrder order_for(std::size_t t) const {
    const Task& task = plan_.tasks[t];
    const PlannedRun& run = plan_.runs[run_of(t)];
    const fs::path record = record_at(t);
    create_folders(record.parent_path());
    // A record that only says why the run could not begin makes way for the run; events.jsonl keeps the reason.
    if (fs::exists(record) && is_placeholder(record)) fs::remove(record);
    std::vector<std::string> args = {"run",      (folder_ / "experiment.yaml").string(),
                                     "--origin", plan_.origin.string(),
                                     "--record", record.string(),
                                     "--seed",   std::to_string(run.seed),
                                     "--cache",  cache().string()};
    for (const auto& [key, value] : run.values) {
      args.push_back("--set");
      args.push_back(key + "=" + value);
    }
    if (!task.stage.empty()) {
      args.push_back("--only");
      args.push_back(task.stage);
    }
    if (task.rung && plan_.halving->rungs[*task.rung].step > 0) {
      args.push_back("--until");
      args.push_back(std::to_string(plan_.halving->rungs[*task.rung].step));
    }
    args.insert(args.end(), options_.worker_args.begin(), options_.worker_args.end());
    return {t, name_of(t), task.stage.empty() ? "run" : aim_of(t), args, behind(t)};
  }

  void collect() {
    const auto reports = launcher_.poll();
    for (const auto& report : reports) {
      const std::size_t t = report.task;
      if (states_[t] != State::kRunning) continue;  // it failed with what it needs, and is only now taken from the queue
      if (report.news == TaskNews::kQueued) note_event(t, "queued", 0, "", report.where);
      if (report.news == TaskNews::kStarted) {
        note_event(t, "start", 0, "", report.where);
        computing_[t] = label(t);
      }
      if (report.news == TaskNews::kPutOff) {
        note_event(t, "put off");
        wait_again(t);
      }
      if (report.news == TaskNews::kEnded) {
        computing_.erase(t);
        finish(t, report.end, report.tail);
      }
    }
    if (!reports.empty()) tell();
  }

  void wait_again(std::size_t t) {
    states_[t] = State::kWaiting;
    first_waiting_ = std::min(first_waiting_, t);
  }

  void finish(std::size_t t, const TaskEnd& end, const std::string& tail) {
    if (end.reason.empty()) {
      states_[t] = State::kDone;
      note_event(t, "done", end.seconds);
      progress_.say("done  " + label(t) + (end.seconds > 0 ? "  " + format_duration(end.seconds) : ""));
      if (!is_of_run(t)) clear_work(t);
      return;
    }
    if (cancel_requested() || (stopping_ && end.stopped)) {
      wait_again(t);
      note_event(t, "stopped", end.seconds, end.reason);
      return;
    }
    if (end.code == 1 && status_of(record_at(t)) == "diverged") {
      // A result like any other: runs that build on it find it in the cache and say so in their records.
      states_[t] = State::kDone;
      note_event(t, "diverged", end.seconds);
      progress_.say("diverged " + label(t));
      return;
    }
    if (tries_[t] <= options_.retries && !stopping_) {
      note_event(t, "retry", end.seconds, end.reason);
      progress_.say("again " + label(t) + ": " + end.reason);
      wait_again(t);
      return;
    }
    note_event(t, "failed", end.seconds, end.reason);
    progress_.say("FAILED " + label(t) + ": " + end.reason + "; log " + log_of(folder_, name_of(t)).string() + "\n" + tail);
    fail(t, plan_.tasks[t].stage, end.reason, tail);
    if (options_.fail_fast && !stopping_) {
      stopping_ = true;
      launcher_.stop_all();
    }
  }

  /// The task and all that need it.
  void fail(std::size_t first, const std::string& stage, const std::string& reason, const std::string& tail) {
    std::vector<bool> hit(plan_.tasks.size(), false);
    hit[first] = true;
    for (std::size_t t = first; t < plan_.tasks.size(); ++t) {
      for (const std::size_t need : plan_.tasks[t].needs) hit[t] = hit[t] || hit[need];
      if (!hit[t] || states_[t] == State::kDone || states_[t] == State::kNotNeeded) continue;
      states_[t] = State::kFailed;
      if (plan_.tasks[t].stage.empty()) record_failure(plan_.tasks[t].run, stage, reason, tail);
    }
  }

  /// The reason goes into the run's record, which is made if the worker did not come so far.
  void record_failure(std::size_t run, const std::string& stage, const std::string& reason, const std::string& tail) {
    try {
      const fs::path path = record_of(run);
      if (!fs::exists(path)) make_placeholder(plan_, run, path);
      const auto record = RunRecord::open(path);
      const std::string where = stage.empty() ? last_stage(*record, run) : stage;
      if (!record->stage(where)) record->begin_stage(where, {"", {}, ""});
      record->add_note(where, (stage.empty() ? "the run " : "stage " + stage + " ") + reason + "\n" + tail);
      record->set_status("failed");
      record->flush();
    } catch (const Error& error) {
      progress_.say("the record of " + plan_.runs[run].run_id + " could not be updated: " + error.what());
    }
  }

  std::string last_stage(const RunRecord& record, std::size_t run) const {
    const auto begun = record.stage_names();
    return begun.empty() ? plan_.runs[run].stages.front() : begun.back();
  }

  void clear_work(std::size_t t) const {
    const fs::path record = record_at(t);
    std::error_code ignored;
    fs::remove(record, ignored);
    fs::remove(record.string() + ".lock", ignored);
    fs::remove_all(record.parent_path() / record.stem(), ignored);
  }

  void interrupt() {
    if (stopping_) return;
    stopping_ = true;
    const std::string going_on = launcher_.interrupt();
    if (!going_on.empty()) left_ = going_on;
  }

  void tell() {
    const std::size_t waiting = count(State::kRunning) - computing_.size();
    std::string note = std::to_string(count(State::kFailed)) + " failed";
    if (waiting > 0) note += "; " + std::to_string(waiting) + " queued";
    constexpr std::size_t kMostNames = 8;
    if (computing_.size() > kMostNames) note += "; " + std::to_string(computing_.size()) + " at work";
    if (computing_.size() <= kMostNames) {
      for (const auto& [task, name] : computing_) note += "; " + name;
    }
    progress_.begin("sweep", static_cast<std::int64_t>(plan_.tasks.size()));
    progress_.update(static_cast<std::int64_t>(count(State::kDone) + count(State::kNotNeeded)), note);
  }

  SweepOutcome outcome() const {
    SweepOutcome result;
    result.folder = folder_;
    result.all = plan_.runs.size();
    for (std::size_t r = 0; r < plan_.runs.size(); ++r) {
      const std::string status = status_of(record_of(r));
      if (status == "complete") {
        ++result.complete;
        result.records.push_back(record_of(r));
      } else {
        ++(status == "stopped" ? result.stopped : result.failed);
      }
    }
    return result;
  }

  const SweepPlan& plan_;
  fs::path folder_;
  SweepOptions options_;
  TerminalProgress& progress_;
  Rungs rungs_;
  std::vector<State> states_;
  std::vector<int> tries_;
  Launcher& launcher_;
  std::map<std::size_t, std::string> computing_;  ///< tasks that run now, and their labels
  std::size_t first_waiting_ = 0;
  bool stopping_ = false;
  std::optional<std::string> left_;  ///< the launcher goes on without this process
};

}  // namespace

SweepOutcome run_sweep(const SweepPlan& plan, const fs::path& folder, const SweepOptions& options,
                       TerminalProgress& progress) {
  const fs::path place = fs::absolute(folder).lexically_normal();
  if (options.slurm) {
    save_slurm_options(place, *options.slurm);
  } else {
    require_not_in_slurm(place);
  }
  const auto launcher =
      options.slurm ? make_slurm_launcher(place, *options.slurm, [&](const std::string& line) { progress.say(line); })
                    : make_local_launcher(place, options.local);
  return Coordinator(plan, place, options, *launcher, progress).run();
}

}  // namespace temper
