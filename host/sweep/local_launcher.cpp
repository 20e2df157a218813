// Child processes as a launcher (see local_launcher.h).
#include "host/sweep/local_launcher.h"

#include "host/sweep/worker.h"
#include "host/util/progress.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::milliseconds kPause{30};

class LocalLauncher final : public Launcher {
 public:
  LocalLauncher(fs::path sweep, const LocalOptions& options)
      : sweep_(std::move(sweep)), options_(options), program_(fs::read_symlink("/proc/self/exe").string()) {}

  std::string describe() const override { return std::to_string(options_.jobs) + (options_.jobs == 1 ? " job" : " jobs"); }
  std::vector<std::size_t> take_over(const std::vector<std::string>&) override { return {}; }
  std::size_t room() const override { return static_cast<std::size_t>(options_.jobs) - running_.size(); }
  bool takes_waiting() const override { return false; }
  std::chrono::milliseconds pause() const override { return kPause; }

  std::vector<std::size_t> start(const std::vector<TaskOrder>& orders) override {
    for (const auto& order : orders) {
      running_.push_back(
          {order.task, std::make_unique<Worker>(program_, order.args, log_of(sweep_, order.name), options_.threads)});
      news_.push_back({order.task, TaskNews::kStarted});
    }
    return {};
  }

  std::vector<TaskReport> poll() override {
    for (std::size_t i = 0; i < running_.size();) {
      Worker& worker = *running_[i].worker;
      if (options_.timeout_s > 0 && worker.seconds() > options_.timeout_s) {
        worker.kill("took longer than " + format_duration(options_.timeout_s) + " (--timeout) and was stopped");
      }
      if (!worker.poll()) {
        ++i;
        continue;
      }
      TaskReport report{running_[i].task, TaskNews::kEnded};
      report.end = worker.end();
      if (!report.end.reason.empty()) report.tail = tail_of(worker.log());
      news_.push_back(std::move(report));
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return std::exchange(news_, {});
  }

  std::string interrupt() override {
    stop_all();
    return "";
  }
  void stop_all() override {
    for (const auto& one : running_) one.worker->ask_to_stop();
  }

 private:
  struct Running {
    std::size_t task;
    std::unique_ptr<Worker> worker;
  };

  fs::path sweep_;
  LocalOptions options_;
  std::string program_;
  std::vector<Running> running_;
  std::vector<TaskReport> news_;
};

}  // namespace

fs::path log_of(const fs::path& sweep, const std::string& name) { return sweep / "logs" / (name + ".log"); }

std::unique_ptr<Launcher> make_local_launcher(const fs::path& sweep, const LocalOptions& options) {
  return std::make_unique<LocalLauncher>(sweep, options);
}

}  // namespace temper
