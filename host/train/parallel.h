// What training asks of many processes beyond the SDK's communicator. host/dist implements it on c10d's engine; a run in one
// process has none of it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "temper/context.h"

namespace temper {

/// Sums gradients over ranks while backward still computes others. Lives as long as the parameters are trained. [run]
class GradientSync {
 public:
  virtual ~GradientSync() = default;
  /// Collective. Backward of the step's last micro-batch; the gradients of those before it have only been accumulated. On
  /// return the parameters' gradients are sums over all ranks. An undefined loss: this rank adds nothing.
  virtual void backward(const at::Tensor& loss) = 0;
};

class ParallelEngine : public Communicator {
 public:
  /// Collective. `buckets` hold the numbers of the parameters whose gradients travel together, in the order in which
  /// backward reaches them. With `scatter` a rank gets the sums of its own shard alone (see shards.h), the rest is left as
  /// it may be.
  virtual std::unique_ptr<GradientSync> sync_gradients(const std::vector<at::Tensor>& parameters,
                                                       const std::vector<std::vector<std::size_t>>& buckets,
                                                       bool scatter) = 0;
  /// Collective. `whole` consists of equal parts, one a rank in order; each gives its own and gets the others'.
  virtual void all_gather_parts(at::Tensor& whole) = 0;
};

}  // namespace temper
