// Where a sweep's tasks run: processes of this machine (local_launcher.h) or Slurm (slurm_launcher.h). The coordinator
// decides what is to be done and what a failure means; a launcher starts tasks, says what became of them, and ends them.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace temper {

struct TaskOrder {
  std::size_t task = 0;            ///< the coordinator's number for it
  std::string name;                ///< unique in the sweep
  std::string kind;                ///< its stage, or "run" for the rest of a run
  std::vector<std::string> args;   ///< of this program
  std::vector<std::size_t> after;  ///< tasks under way with the same launcher that have to end well before it begins
};

struct TaskEnd {
  int code = 0;          ///< exit status; -1 if a signal ended it or nobody knows
  int signal = 0;        ///< that ended it
  std::string reason;    ///< "" if all went well; else a sentence without its subject
  double seconds = 0;    ///< that it took; 0 if nobody knows
  bool stopped = false;  ///< somebody asked it to stop: it saved, and is no failure of its own
};

enum class TaskNews {
  kQueued,   ///< accepted; `where` says where it waits
  kStarted,  ///< computing; `where` says on what
  kEnded,    ///< `end` and `tail` say how
  kPutOff    ///< it will not begin, because a task before it did not end well
};

struct TaskReport {
  std::size_t task = 0;
  TaskNews news = TaskNews::kStarted;
  std::string where = {};
  TaskEnd end = {};
  std::string tail = {};  ///< of its log, if it ended badly
};

class Launcher {
 public:
  virtual ~Launcher() = default;

  /// "2 jobs": how much is done at once.
  virtual std::string describe() const = 0;
  /// Tasks (by their names' places in `names`) that an earlier coordinator started and did not see the end of. poll()
  /// reports on them from now on.
  virtual std::vector<std::size_t> take_over(const std::vector<std::string>& names) = 0;
  /// How many more tasks it takes now.
  virtual std::size_t room() const = 0;
  /// Whether it takes tasks whose `after` is not empty.
  virtual bool takes_waiting() const = 0;
  /// In an order in which each comes behind those it waits for. Returns tasks that it could not take now.
  virtual std::vector<std::size_t> start(const std::vector<TaskOrder>& orders) = 0;
  /// What happened since the last call.
  virtual std::vector<TaskReport> poll() = 0;
  /// How long to wait between calls of poll().
  virtual std::chrono::milliseconds pause() const = 0;
  /// Ctrl-C. Either all tasks are asked to save and stop, and poll() reports their ends, or they go on without this process:
  /// then it returns what has to be known about that.
  virtual std::string interrupt() = 0;
  /// All tasks are asked to save and stop; poll() reports their ends.
  virtual void stop_all() = 0;
};

/// The log of a task, whoever runs it.
std::filesystem::path log_of(const std::filesystem::path& sweep, const std::string& name);

}  // namespace temper
