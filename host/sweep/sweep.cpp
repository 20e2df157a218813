// The coordinator (see sweep.h).
#include "host/sweep/sweep.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/record/record_reader.h"
#include "host/record/run_record.h"
#include "host/run/stage_cache.h"
#include "host/sweep/worker.h"
#include "host/util/cancel.h"
#include "host/util/files.h"
#include "temper/error.h"

namespace temper {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr auto kPoll = std::chrono::milliseconds(30);

enum class State { kWaiting, kRunning, kDone, kFailed, kNotNeeded };

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

class Coordinator {
 public:
  Coordinator(const SweepPlan& plan, fs::path folder, const SweepOptions& options, TerminalProgress& progress)
      : plan_(plan),
        folder_(std::move(folder)),
        options_(options),
        progress_(progress),
        states_(plan.tasks.size(), State::kWaiting),
        tries_(plan.tasks.size(), 0),
        program_(fs::read_symlink("/proc/self/exe").string()) {}

  SweepOutcome run() {
    const EntryLock lock(
        folder_, [&](const std::string& owner) { refuse_second(owner); }, cancel_requested);
    if (!options_.use_cache) create_folders(own_cache());  // its being there says so to whoever goes on
    write_file_atomically(folder_ / "experiment.yaml", plan_.text);
    skip_what_is_done();
    progress_.say("sweep " + plan_.name + ": " + std::to_string(plan_.runs.size()) + " runs, " +
                  std::to_string(count(State::kWaiting)) + " of " + std::to_string(plan_.tasks.size()) + " tasks to do, " +
                  std::to_string(options_.jobs) + (options_.jobs == 1 ? " job" : " jobs"));
    while (true) {
      if (cancel_requested()) stop_all();
      collect();
      if (!stopping_) start_ready();
      if (running_.empty() && (stopping_ || !has_ready())) break;
      std::this_thread::sleep_for(kPoll);
    }
    progress_.end();
    if (count(State::kDone) + count(State::kNotNeeded) == states_.size()) remove_own_cache();
    if (cancel_requested()) throw Cancelled("the sweep was stopped; `temper resume " + folder_.string() + "` goes on");
    return outcome();
  }

 private:
  struct Running {
    std::size_t task;
    std::unique_ptr<Worker> worker;
  };

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
  std::string label(std::size_t task) const {
    const Task& one = plan_.tasks[task];
    return plan_.runs[one.run].run_id + (one.stage.empty() ? "" : " " + one.stage);
  }
  std::size_t count(State state) const {
    return static_cast<std::size_t>(std::count(states_.begin(), states_.end(), state));
  }

  void note_event(std::size_t task, const std::string& event, double seconds, const std::string& reason) {
    Json line = {{"time", now_text()}, {"task", label(task)}, {"event", event}};
    if (seconds > 0) line["seconds"] = seconds;
    if (!reason.empty()) line["reason"] = reason;
    const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    const int file = open((folder_ / "events.jsonl").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0 || write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      progress_.say("the sweep's log of events could not be written; the sweep goes on");
    }
    if (file >= 0) close(file);
  }

  /// Complete runs need nothing; a stage that only they need is not computed.
  void skip_what_is_done() {
    std::vector<bool> needed(plan_.tasks.size(), false);
    for (std::size_t t = plan_.tasks.size(); t-- > 0;) {
      const Task& task = plan_.tasks[t];
      if (task.stage.empty()) needed[t] = !is_complete(record_of(task.run));
      if (!needed[t]) {
        states_[t] = task.stage.empty() ? State::kDone : State::kNotNeeded;
        continue;
      }
      for (const std::size_t need : task.needs) needed[need] = true;
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
    const Task& task = plan_.tasks[t];
    const std::string& run = plan_.runs[task.run].run_id;
    return task.stage.empty() ? run : run + "." + task.stage;
  }
  fs::path record_at(std::size_t t) const {
    const Task& task = plan_.tasks[t];
    return task.stage.empty() ? record_of(task.run) : folder_ / "work" / task.stage / (name_of(t) + ".h5");
  }

  bool is_ready(std::size_t task) const {
    if (states_[task] != State::kWaiting) return false;
    return std::all_of(plan_.tasks[task].needs.begin(), plan_.tasks[task].needs.end(), [&](std::size_t need) {
      return states_[need] == State::kDone || states_[need] == State::kNotNeeded;
    });
  }
  bool has_ready() const {
    for (std::size_t t = first_waiting_; t < states_.size(); ++t) {
      if (is_ready(t)) return true;
    }
    return false;
  }

  void start_ready() {
    while (first_waiting_ < states_.size() && states_[first_waiting_] != State::kWaiting) ++first_waiting_;
    for (std::size_t t = first_waiting_; t < states_.size() && running_.size() < static_cast<std::size_t>(options_.jobs);
         ++t) {
      if (is_ready(t)) start(t);
    }
  }

  void start(std::size_t t) {
    const Task& task = plan_.tasks[t];
    const PlannedRun& run = plan_.runs[task.run];
    const std::string name = name_of(t);
    const fs::path record = record_at(t);
    create_folders(record.parent_path());
    remove_placeholder(record);
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
    args.insert(args.end(), options_.worker_args.begin(), options_.worker_args.end());
    states_[t] = State::kRunning;
    ++tries_[t];
    note_event(t, "start", 0, "");
    running_.push_back({t, std::make_unique<Worker>(program_, args, folder_ / "logs" / (name + ".log"), options_.threads)});
    tell();
  }

  /// A record that only says why the run could not begin makes way for the run; events.jsonl keeps the reason.
  static void remove_placeholder(const fs::path& record) {
    if (!fs::exists(record)) return;
    const auto attributes = RecordReader(record).attributes();
    if (attributes.count("host_identity") == 0) fs::remove(record);
  }

  void collect() {
    for (auto& one : running_) {
      if (options_.timeout_s > 0 && one.worker->seconds() > options_.timeout_s) {
        one.worker->kill("took longer than " + format_duration(options_.timeout_s) + " (--timeout) and was stopped");
      }
    }
    for (std::size_t i = 0; i < running_.size();) {
      if (!running_[i].worker->poll()) {
        ++i;
        continue;
      }
      const Running ended{running_[i].task, std::move(running_[i].worker)};
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
      finish(ended);
    }
  }

  void finish(const Running& ended) {
    const std::size_t t = ended.task;
    const WorkerEnd& end = ended.worker->end();
    if (end.reason.empty()) {
      states_[t] = State::kDone;
      note_event(t, "done", ended.worker->seconds(), "");
      progress_.say("done  " + label(t) + "  " + format_duration(ended.worker->seconds()));
      if (!plan_.tasks[t].stage.empty()) clear_work(t);
      tell();
      return;
    }
    if (cancel_requested()) {
      states_[t] = State::kWaiting;
      return;
    }
    if (end.code == 1 && status_of(record_at(t)) == "diverged") {
      // A result like any other: runs that build on it find it in the cache and say so in their records.
      states_[t] = State::kDone;
      note_event(t, "diverged", ended.worker->seconds(), "");
      progress_.say("diverged " + label(t));
      tell();
      return;
    }
    const std::string tail = tail_of(ended.worker->log());
    if (tries_[t] <= options_.retries) {
      note_event(t, "retry", ended.worker->seconds(), end.reason);
      progress_.say("again " + label(t) + ": " + end.reason);
      states_[t] = State::kWaiting;
      first_waiting_ = std::min(first_waiting_, t);
      return;
    }
    note_event(t, "failed", ended.worker->seconds(), end.reason);
    progress_.say("FAILED " + label(t) + ": " + end.reason + "; log " + ended.worker->log().string() + "\n" + tail);
    fail(t, plan_.tasks[t].stage, end.reason, tail);
    if (options_.fail_fast) stop_all();
    tell();
  }

  /// The task and all that need it.
  void fail(std::size_t first, const std::string& stage, const std::string& reason, const std::string& tail) {
    std::vector<bool> hit(plan_.tasks.size(), false);
    hit[first] = true;
    for (std::size_t t = first; t < plan_.tasks.size(); ++t) {
      for (const std::size_t need : plan_.tasks[t].needs) hit[t] = hit[t] || hit[need];
      if (!hit[t] || states_[t] == State::kDone) continue;
      states_[t] = State::kFailed;
      if (plan_.tasks[t].stage.empty()) record_failure(plan_.tasks[t].run, stage, reason, tail);
    }
  }

  /// The reason goes into the run's record, which is made if the worker did not come so far.
  void record_failure(std::size_t run, const std::string& stage, const std::string& reason, const std::string& tail) {
    try {
      const fs::path path = record_of(run);
      if (!fs::exists(path)) {
        RecordFacts facts;
        facts.experiment = plan_.experiment;
        facts.run_id = plan_.runs[run].run_id;
        facts.seed = plan_.runs[run].seed;
        facts.config_source = plan_.text;
        for (const auto& [key, value] : plan_.runs[run].values)
          facts.resolved.push_back({key, value, "command line", "sweep"});
        RunRecord::create(path, facts);
      }
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

  void stop_all() {
    if (stopping_) return;
    stopping_ = true;
    for (const auto& one : running_) one.worker->ask_to_stop();
  }

  void tell() {
    std::string note = std::to_string(count(State::kFailed)) + " failed";
    for (const auto& one : running_) note += "; " + label(one.task);
    progress_.begin("sweep", static_cast<std::int64_t>(plan_.tasks.size()));
    progress_.update(static_cast<std::int64_t>(count(State::kDone) + count(State::kNotNeeded)), note);
  }

  SweepOutcome outcome() const {
    SweepOutcome result;
    result.folder = folder_;
    result.all = plan_.runs.size();
    for (std::size_t r = 0; r < plan_.runs.size(); ++r) {
      if (!is_complete(record_of(r))) {
        ++result.failed;
        continue;
      }
      ++result.complete;
      result.records.push_back(record_of(r));
    }
    return result;
  }

  const SweepPlan& plan_;
  fs::path folder_;
  SweepOptions options_;
  TerminalProgress& progress_;
  std::vector<State> states_;
  std::vector<int> tries_;
  std::string program_;
  std::vector<Running> running_;
  std::size_t first_waiting_ = 0;
  bool stopping_ = false;
};

}  // namespace

SweepOutcome run_sweep(const SweepPlan& plan, const fs::path& folder, const SweepOptions& options,
                       TerminalProgress& progress) {
  return Coordinator(plan, fs::absolute(folder).lexically_normal(), options, progress).run();
}

}  // namespace temper
