// AdamW through LibTorch's fused kernel, with two groups: matrices decay, norms and biases do not. Epsilon is added to the
// corrected root, as PyTorch does. Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019).
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "host/train/lora.h"
#include "temper/train.h"

namespace temper {

class AdamW {
 public:
  AdamW(std::vector<NamedParameter> parameters, const TrainParams& params);

  /// L2 norm over all gradients as they are. Parameters without a gradient count as zero.
  double grad_norm() const;
  /// One update with gradients divided by `divisor`; then gradients are dropped.
  void step(double learning_rate, double divisor);
  void drop_gradients();
  /// Moments under "exp_avg.<name>" and "exp_avg_sq.<name>", the count under "steps".
  void save(StateDict& state) const;
  void load(const StateDict& state);  ///< throws DataError if a tensor is missing or of another shape

 private:
  struct Group {
    double weight_decay = 0;
    std::vector<std::string> names;
    std::vector<at::Tensor> parameters, exp_avgs, exp_avg_sqs, steps;
  };
  std::vector<Group> groups_;
  TrainParams params_;
};

/// What trains a model in a stage: AdamW over its weights, or over adapters on them, and over parameters that the stage adds
/// (heads), whose values are part of the saved state.
class ModelOptimizer final : public Optimizer {
 public:
  ModelOptimizer(Architecture& model, const TrainParams& params, std::vector<NamedParameter> extra, std::uint64_t seed);
  double grad_norm() const override;
  void step(double learning_rate, double divisor) override;
  void drop_gradients() override;
  void save(StateDict& state) const override;
  void load(const StateDict& state) override;
  Lora* lora() { return lora_.get(); }  ///< null without adapters

 private:
  std::unique_ptr<Lora> lora_;
  std::vector<NamedParameter> extra_;
  AdamW adamw_;
};

}  // namespace temper
