// AdamW through LibTorch's fused kernel, with two groups: matrices decay, norms and biases do not. Epsilon is added to the
// corrected root, as PyTorch does. Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019).
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "temper/architecture.h"
#include "temper/context.h"

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

}  // namespace temper
