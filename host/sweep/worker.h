// A child process that does one task: started with its output in a log file, watched, stopped gently or at once.
// It dies with its parent. Used by the local launcher; the words for how a task ended are everybody's.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "host/sweep/launcher.h"

namespace temper {

class Worker {
 public:
  /// Starts `program` with `args`; standard output and error go to `log`. Throws DataError if it cannot be started.
  Worker(const std::string& program, const std::vector<std::string>& args, const std::filesystem::path& log, int threads);
  ~Worker();  ///< kills it if it still runs
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Whether it has ended; then `end()` says how.
  bool poll();
  const TaskEnd& end() const { return end_; }
  void ask_to_stop() const;  ///< as Ctrl-C: it saves first
  void kill(const std::string& why);
  double seconds() const;
  const std::filesystem::path& log() const { return log_; }

 private:
  std::filesystem::path log_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  pid_t pid_ = -1;
  bool ended_ = false;
  std::string killed_because_;
  TaskEnd end_;
};

/// How a process of this program ended: by a signal, or with an exit code if `signal` is 0.
TaskEnd end_of_process(int code, int signal);

/// The last lines of a log, without progress lines that were overwritten.
std::string tail_of(const std::filesystem::path& log, std::size_t lines = 12);

}  // namespace temper
