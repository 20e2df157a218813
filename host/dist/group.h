// The processes of one run, seen from one of them: collectives over c10d's engine, messages through its store, and a watch
// that ends this process soon after another one is gone. Rank 0 leads: it says what is done next, the others follow.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "host/dist/ranks.h"
#include "host/train/parallel.h"

namespace c10d {
class Backend;
}

namespace temper {

struct GroupOptions {
  std::string backend = "gloo";
  std::chrono::seconds timeout{600};  ///< how long a collective may take, and how long ranks may take to come
  std::chrono::seconds silence{12};   ///< a process that shows no life for that long is given up
};

/// All methods but the destructor throw Error (exit code 1) that names what is known when another process is gone.
class Group final : public ParallelEngine {
 public:
  /// Waits for all ranks. Tensors in main memory travel by the backend of the options from the start. Throws ConfigError if
  /// there is no such backend, or it does not load here, with the reason.
  Group(const Ranks& ranks, const GroupOptions& options);
  ~Group() override;
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  int rank() const override { return ranks_.rank; }
  int world_size() const override { return ranks_.world_size; }
  const Ranks& ranks() const { return ranks_; }
  /// Collective. From here on tensors on a GPU travel by NCCL; on the CPU nothing changes. Throws ConfigError as above.
  void use_device(c10::Device device);
  void all_reduce_sum(at::Tensor& tensor) override;
  void broadcast(at::Tensor& tensor, int root) override;
  std::vector<std::string> all_gather(const std::string& bytes) override;
  void barrier() override;
  std::unique_ptr<GradientSync> sync_gradients(const std::vector<at::Tensor>& parameters,
                                               const std::vector<std::vector<std::size_t>>& buckets, bool scatter) override;
  void all_gather_parts(at::Tensor& whole) override;

  /// Rank 0 says something to all others; each of them hears everything, in order. hear() waits as long as rank 0 lives.
  void tell(const std::string& message);
  std::string hear();
  /// The run is over for this rank as it should be: from here on nobody misses it. Rank 0 waits for the others.
  void leave() noexcept;
  /// This rank ends with an error; the others say it and end too.
  void fail(const std::string& words) noexcept;

 private:
  struct Engine;
  c10d::Backend& backend_for(const at::Tensor& tensor);
  template <class Work>
  void collective(const char* what, Work&& work);
  [[noreturn]] void explain(const char* what, const std::exception& error);
  std::string missing_ranks();
  void end_with(const std::string& words);
  std::string keeper() const;
  void watch();
  void watch_until_left();
  void watch_the_watch();

  Ranks ranks_;
  GroupOptions options_;
  std::unique_ptr<Engine> engine_;
  std::int64_t told_ = 0, forgotten_ = 0;                                                          ///< messages
  std::atomic<bool> leaving_{false};                                                               ///< ends the watch
  std::atomic<std::chrono::steady_clock::time_point> answered_{std::chrono::steady_clock::now()};  ///< by the store, last
  std::thread watch_, watch_of_watch_;
};

}  // namespace temper
