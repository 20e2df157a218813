// Ranks of one run as threads of one process, for tests of what is collective.
#pragma once

#include <ATen/ATen.h>

#include <barrier>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "host/train/parallel.h"
#include "host/train/shards.h"

namespace temper::test {

/// What the ranks of a test share.
struct Meeting {
  explicit Meeting(int ranks)
      : texts(static_cast<std::size_t>(ranks)), tensors(static_cast<std::size_t>(ranks)), meet(ranks) {}
  std::vector<std::string> texts;
  std::vector<at::Tensor> tensors;
  std::barrier<> meet;
};

class ThreadRank final : public ParallelEngine {
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
  /// After backward, without buckets; with `scatter` what belongs to others is made useless.
  std::unique_ptr<GradientSync> sync_gradients(const std::vector<at::Tensor>& parameters,
                                               const std::vector<std::vector<std::size_t>>& buckets, bool scatter) override {
    struct Sync final : GradientSync {
      Sync(ThreadRank& rank, std::vector<at::Tensor> parameters, Buckets buckets, bool scatter)
          : rank_(rank), parameters_(std::move(parameters)), buckets_(std::move(buckets)), scatter_(scatter) {}
      void backward(const at::Tensor& loss) override {
        if (loss.defined()) loss.backward();
        std::vector<at::Tensor> sums;
        for (const auto& parameter : parameters_) {
          if (!parameter.grad().defined()) parameter.mutable_grad() = at::zeros_like(parameter);
          at::Tensor gradient = parameter.grad();
          rank_.all_reduce_sum(gradient);
          sums.push_back(gradient.clone());
          if (scatter_) gradient.fill_(std::numeric_limits<float>::quiet_NaN());
        }
        if (!scatter_) return;
        for (const auto& pieces : shard_of(parameters_, buckets_, rank_.rank(), rank_.world_size())) {
          for (const auto& piece : pieces) {
            const auto part = [&](const at::Tensor& tensor) { return tensor.view(-1).slice(0, piece.begin, piece.end); };
            part(parameters_[piece.parameter].grad()).copy_(part(sums[piece.parameter]));
          }
        }
      }
      ThreadRank& rank_;
      std::vector<at::Tensor> parameters_;
      Buckets buckets_;
      bool scatter_;
    };
    return std::make_unique<Sync>(*this, parameters, buckets, scatter);
  }
  void all_gather_parts(at::Tensor& whole) override {
    const std::int64_t size = whole.numel() / world_size();
    meeting_.tensors[static_cast<std::size_t>(rank_)] = whole.slice(0, rank_ * size, (rank_ + 1) * size).clone();
    meeting_.meet.arrive_and_wait();
    whole.copy_(at::cat(meeting_.tensors));
    meeting_.meet.arrive_and_wait();
  }

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
