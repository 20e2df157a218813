// Ranks of one run as threads of one process, for tests of what is collective.
#pragma once

#include <ATen/ATen.h>

#include <barrier>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "temper/context.h"

namespace temper::test {

/// What the ranks of a test share.
struct Meeting {
  explicit Meeting(int ranks)
      : texts(static_cast<std::size_t>(ranks)), tensors(static_cast<std::size_t>(ranks)), meet(ranks) {}
  std::vector<std::string> texts;
  std::vector<at::Tensor> tensors;
  std::barrier<> meet;
};

class ThreadRank final : public Communicator {
 public:
  ThreadRank(Meeting& meeting, int rank) : meeting_(meeting), rank_(rank) {}
  int rank() const override { return rank_; }
  int world_size() const override { return static_cast<int>(meeting_.texts.size()); }
  void all_reduce_sum(at::Tensor& tensor) override {
    meeting_.tensors[static_cast<std::size_t>(rank_)] = tensor.clone();
    meeting_.meet.arrive_and_wait();
    tensor.zero_();
    for (const auto& each : meeting_.tensors) tensor.add_(each);
    meeting_.meet.arrive_and_wait();
  }
  void broadcast(at::Tensor&, int) override {}
  std::vector<std::string> all_gather(const std::string& bytes) override {
    meeting_.texts[static_cast<std::size_t>(rank_)] = bytes;
    meeting_.meet.arrive_and_wait();
    auto all = meeting_.texts;
    meeting_.meet.arrive_and_wait();
    return all;
  }
  void barrier() override { meeting_.meet.arrive_and_wait(); }

 private:
  Meeting& meeting_;
  int rank_;
};

/// Runs `each` once a rank, all at the same time.
inline void on_ranks(int ranks, const std::function<void(ThreadRank&)>& each) {
  Meeting meeting(ranks);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      ThreadRank communicator(meeting, rank);
      each(communicator);
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace temper::test
