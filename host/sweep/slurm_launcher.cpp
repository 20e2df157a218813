// The launcher for Slurm (see slurm_launcher.h).
#include "host/sweep/slurm_launcher.h"

#include <algorithm>
#include <limits>

#include "host/sweep/slurm_folder.h"
#include "host/sweep/slurm_queue.h"
#include "host/sweep/worker.h"
#include "temper/error.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

/// How often Slurm is asked: soon after something happened, and less and less often while nothing does.
constexpr std::chrono::duration<double> kSoon{1}, kSeldom{15};
constexpr std::chrono::seconds kRefusedPause{30};
/// How long to look for how a task ended: files come late over a network, and accounting does as well.
constexpr std::chrono::seconds kTraceTime{60};

struct Followed {
  std::size_t array = 0;  ///< place in the list of arrays
  int index = 0;
  bool running = false;
  std::optional<Clock::time_point> gone;  ///< since it is in the queue no more
};

/// A path as it stands in a file name of Slurm's, where % begins a replacement.
std::string as_pattern(const fs::path& path) {
  std::string pattern;
  for (const char c : path.string()) pattern += c == '%' ? "%%" : std::string(1, c);
  return pattern;
}

class SlurmLauncher final : public Launcher {
 public:
  SlurmLauncher(fs::path sweep, const SlurmOptions& options, std::function<void(const std::string&)> say)
      : sweep_(std::move(sweep)),
        options_(options),
        words_(site_words(options)),
        say_(std::move(say)),
        program_(fs::read_symlink("/proc/self/exe").string()) {
    require_slurm();
    site_ = ask_site();
    if (!site_.accounting) {
      say_("Slurm keeps no accounting here (" + site_.accounting_storage +
           "): how tasks ended is read from `scontrol show job`, and from their own result files when Slurm has forgotten "
           "them");
    }
  }

  std::string describe() const override {
    return "Slurm" +
           (options_.jobs > 0 ? " with up to " + std::to_string(options_.jobs) + " tasks of an array at once" : "");
  }
  bool takes_waiting() const override { return true; }
  std::chrono::milliseconds pause() const override { return std::chrono::milliseconds(200); }
  std::size_t room() const override { return Clock::now() < refused_until_ ? 0 : std::numeric_limits<std::size_t>::max(); }

  std::vector<std::size_t> take_over(const std::vector<std::string>& names) override {
    std::map<std::string, std::size_t> task_of;
    for (std::size_t i = 0; i < names.size(); ++i) task_of[names[i]] = i;
    for (auto& array : load_arrays(sweep_)) {
      next_number_ = array.number + 1;
      if (array.accounted.size() == array.tasks.size()) continue;
      if (array.job.empty() && !find_job(array)) {
        fs::remove_all(array.folder);  // it never came to be submitted
        continue;
      }
      for (const auto& [index, name] : array.tasks) {
        const auto found = task_of.find(name);
        if (found != task_of.end() && array.accounted.count(index) == 0) {
          followed_[found->second] = {arrays_.size(), index, false, std::nullopt};
        }
      }
      arrays_.push_back(std::move(array));
    }
    std::vector<std::size_t> tasks;
    for (const auto& [task, one] : followed_) tasks.push_back(task);
    return tasks;
  }

  std::vector<std::size_t> start(const std::vector<TaskOrder>& orders) override {
    std::map<std::size_t, SlurmPlace> places;
    for (const auto& [task, one] : followed_) places[task] = {arrays_[one.array].number, one.index};
    std::vector<std::size_t> refused;
    std::string why;
    for (const auto& plan : group_into_arrays(orders, places, next_number_, site_.largest_array)) {
      next_number_ = plan.number + 1;
      if (!why.empty() || !submit_array(plan, orders, why)) {
        for (const std::size_t i : plan.orders) refused.push_back(orders[i].task);
      }
    }
    if (!refused.empty()) {
      if (followed_.empty()) throw ConfigError("Slurm refused the sweep's tasks: " + why);
      say_("Slurm takes no more tasks now (" + why + "); " + std::to_string(refused.size()) + " are submitted later");
      refused_until_ = Clock::now() + kRefusedPause;
    }
    ask_soon();
    return refused;
  }

  std::vector<TaskReport> poll() override {
    if (!followed_.empty() && Clock::now() >= next_ask_) ask();
    return std::exchange(news_, {});
  }

  std::string interrupt() override {
    if (followed_.empty()) return "";
    std::string jobs;
    for (const auto& job : open_jobs()) jobs += " " + job;
    return std::to_string(followed_.size()) + " tasks stay in Slurm and go on there (`scancel" + jobs + "` ends them)";
  }

  void stop_all() override {
    const std::string error = cancel_jobs(open_jobs());
    if (!error.empty()) say_("not all jobs could be cancelled: " + error);
    ask_soon();
  }

 private:
  /// Of an array whose id nobody noted, because the coordinator died at that very moment.
  static bool find_job(SlurmArray& array) {
    const auto answer = ask_queue({array.name});
    if (!answer.error.empty()) throw DataError("Slurm does not say which tasks it has: " + answer.error);
    if (answer.tasks.empty()) return false;
    note_job(array, answer.tasks.front().job);
    return true;
  }

  bool submit_array(const ArrayPlan& plan, const std::vector<TaskOrder>& orders, std::string& why) {
    SlurmArray array = write_array(sweep_, plan, orders, program_, options_.cpus);
    std::vector<std::string> words{"--job-name=" + array.name, "--array=" + indices_text(plan.indices),
                                   "--output=" + as_pattern(array.folder) + "/%a.out", "--kill-on-invalid-dep=yes"};
    if (options_.jobs > 0) words[1] += "%" + std::to_string(options_.jobs);
    if (plan.waits != Waits::kNot) words.push_back(dependency(plan));
    words.insert(words.end(), words_.begin(), words_.end());
    words.push_back((array.folder / "array.sh").string());
    const auto submitted = submit(words);
    if (submitted.job.empty()) {
      why = submitted.error;
      fs::remove_all(array.folder);
      return false;
    }
    note_job(array, submitted.job);
    for (std::size_t i = 0; i < plan.orders.size(); ++i) {
      const std::size_t task = orders[plan.orders[i]].task;
      followed_[task] = {arrays_.size(), plan.indices[i], false, std::nullopt};
      news_.push_back({task, TaskNews::kQueued, "Slurm job " + submitted.job + "_" + std::to_string(plan.indices[i])});
    }
    arrays_.push_back(std::move(array));
    return true;
  }

  std::string dependency(const ArrayPlan& plan) const {
    const bool own = plan.waits == Waits::kEachForItsOwn;
    std::string text = own ? "--dependency=aftercorr" : "--dependency=afterok";
    for (const auto& place : plan.after) {
      const auto array =
          std::find_if(arrays_.begin(), arrays_.end(), [&](const SlurmArray& each) { return each.number == place.array; });
      text += ":" + array->job + (own ? "" : "_" + std::to_string(place.index));
    }
    return text;
  }

  std::vector<std::string> open_jobs() const {
    std::set<std::string> jobs;
    for (const auto& [task, one] : followed_) jobs.insert(arrays_[one.array].job);
    return {jobs.begin(), jobs.end()};
  }

  void ask_soon() {
    interval_ = kSoon;
    next_ask_ = Clock::now() + std::chrono::seconds(1);
  }

  void ask() {
    std::set<std::string> names;
    for (const auto& [task, one] : followed_) names.insert(arrays_[one.array].name);
    const auto queue = ask_queue({names.begin(), names.end()});
    if (!queue.error.empty()) {
      if (answers_) say_("Slurm does not answer; its tasks are followed again when it does: " + queue.error);
      answers_ = false;
      next_ask_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(kSeldom);
      return;
    }
    answers_ = true;
    std::map<std::pair<std::string, int>, const SlurmTask*> active;
    for (const auto& task : queue.tasks) active[{task.job, task.index}] = &task;
    std::map<std::string, std::vector<std::size_t>> gone;
    for (auto& [task, one] : followed_) {
      const std::string& job = arrays_[one.array].job;
      const auto found = active.find({job, one.index});
      if (found == active.end()) {
        gone[job].push_back(task);
        continue;
      }
      one.gone.reset();
      const bool runs = found->second->state == "RUNNING";
      if (runs && !one.running) {
        news_.push_back(
            {task, TaskNews::kStarted, found->second->node + ", Slurm job " + job + "_" + std::to_string(one.index)});
      }
      // A job may go back into the queue, when it has to make way for another.
      one.running = one.running || runs;
      if (found->second->state == "PENDING") one.running = false;
    }
    for (const auto& [job, tasks] : gone) account_for(job, tasks);
    interval_ = news_.empty() ? std::min(kSeldom, interval_ * 1.3) : kSoon;
    next_ask_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(interval_);
  }

  /// Tasks of one array that are in the queue no more.
  void account_for(const std::string& job, const std::vector<std::size_t>& tasks) {
    std::map<int, SlurmTask> known;
    const auto add = [&](const SlurmAnswer& answer, const char* who) {
      if (!answer.error.empty())
        say_(std::string(who) + " does not say how the tasks of job " + job + " ended: " + answer.error);
      for (const auto& task : answer.tasks) {
        if (task.job == job) known.emplace(task.index, task);
      }
    };
    add(ask_controller(job), "scontrol");
    const bool all =
        std::all_of(tasks.begin(), tasks.end(), [&](std::size_t task) { return known.count(followed_.at(task).index) > 0; });
    if (!all && site_.accounting) add(ask_accounting(job), "sacct");
    for (const std::size_t task : tasks) {
      Followed& one = followed_.at(task);
      SlurmArray& array = arrays_[one.array];
      if (!one.gone) one.gone = Clock::now();
      const auto found = known.find(one.index);
      const auto slurm = found == known.end() ? std::nullopt : std::optional<SlurmTask>(found->second);
      TaskReport report{task, TaskNews::kEnded};
      if (slurm && is_put_off(*slurm)) {
        report.news = TaskNews::kPutOff;
      } else if (const auto end = end_in_slurm(slurm, own_end(array, one.index))) {
        report.end = *end;
      } else if (Clock::now() - *one.gone > kTraceTime) {
        report.end.code = -1;
        report.end.reason = "left Slurm's queue without a trace of how it ended";
      } else {
        continue;
      }
      if (!report.end.reason.empty()) report.tail = tail_for(array, one.index);
      news_.push_back(std::move(report));
      note_accounted(array, one.index);
      followed_.erase(task);
    }
  }

  std::string tail_for(const SlurmArray& array, int index) const {
    const auto task =
        std::find_if(array.tasks.begin(), array.tasks.end(), [&](const auto& one) { return one.first == index; });
    return tail_of(log_of(sweep_, task->second)) + words_of_slurm(array, index);
  }

  fs::path sweep_;
  SlurmOptions options_;
  std::vector<std::string> words_;
  std::function<void(const std::string&)> say_;
  std::string program_;
  SlurmSite site_;
  std::vector<SlurmArray> arrays_;
  std::map<std::size_t, Followed> followed_;  ///< by the task's number
  std::vector<TaskReport> news_;
  int next_number_ = 1;
  Clock::time_point next_ask_{}, refused_until_{};
  std::chrono::duration<double> interval_ = kSoon;
  bool answers_ = true;
};

}  // namespace

std::unique_ptr<Launcher> make_slurm_launcher(const fs::path& sweep, const SlurmOptions& options,
                                              const std::function<void(const std::string&)>& say) {
  return std::make_unique<SlurmLauncher>(sweep, options, say);
}

}  // namespace temper
