// AdamW through LibTorch's fused kernel, with two groups: matrices decay, norms and biases do not. Epsilon is added to the
// corrected root, as PyTorch does. Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019).
// Of a run in many processes each may keep the moments of its shard alone (see shards.h).
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "host/train/lora.h"
#include "host/train/parallel.h"
#include "host/train/shards.h"
#include "temper/train.h"

namespace temper {

class AdamW {
 public:
  /// `ranks`: null for one process alone. With params.shard_optimizer they share out the moments.
  AdamW(std::vector<NamedParameter> parameters, const TrainParams& params, ParallelEngine* ranks);

  void all_reduce_gradients();
  /// L2 norm over all gradients as they are. Parameters without a gradient count as zero.
  double grad_norm();
  /// One update with gradients divided by `divisor`; then gradients are dropped.
  void step(double learning_rate, double divisor);
  void drop_gradients();
  /// Moments under "exp_avg.<name>" and "exp_avg_sq.<name>", the count under "steps.<name>".
  void save(StateDict& state);
  void load(const StateDict& state);  ///< throws DataError if a tensor is missing or of another shape

 private:
  struct Group {
    double weight_decay = 0;
    std::vector<ShardSlice> pieces;  ///< what of the parameters this process updates
    std::vector<at::Tensor> values, exp_avgs, exp_avg_sqs, steps;
  };
  bool sharded() const { return !buckets_.empty(); }
  void add(const ShardSlice& piece);
  at::Tensor part(const at::Tensor& tensor, const ShardSlice& piece) const;
  std::vector<at::Tensor> gradients(const Group& group);
  /// This process's part of a moment, of a piece that it has.
  at::Tensor moment(std::vector<at::Tensor> Group::*which, const ShardSlice& piece) const;

  std::vector<std::string> names_;
  std::vector<bool> decays_;
  std::vector<at::Tensor> parameters_;
  std::vector<Group> groups_;
  TrainParams params_;
  ParallelEngine* ranks_;
  Buckets buckets_;  ///< empty: this process keeps everything
};

/// What trains a model in a stage: AdamW over its weights, or over adapters on them, and over parameters that the stage adds
/// (heads), whose values are part of the saved state.
class ModelOptimizer final : public Optimizer {
 public:
  ModelOptimizer(Architecture& model, const TrainParams& params, std::vector<NamedParameter> extra, std::uint64_t seed,
                 ParallelEngine* ranks = nullptr);
  void all_reduce_gradients() override;
  double grad_norm() override;
  void step(double learning_rate, double divisor) override;
  void drop_gradients() override;
  void save(StateDict& state) override;
  void load(const StateDict& state) override;
  Lora* lora() { return lora_.get(); }  ///< null without adapters

 private:
  std::unique_ptr<Lora> lora_;
  std::vector<NamedParameter> extra_;
  AdamW adamw_;
};

/// What an optimiser trains: all weights of the model or the adapters on them, then what the stage adds.
std::vector<NamedParameter> trained_parameters(Architecture& model, const Lora* lora,
                                               const std::vector<NamedParameter>& extra);

}  // namespace temper
