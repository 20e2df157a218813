// Activation checkpointing: a block of a model keeps its inputs alone and computes the rest again in backward. The results
// are the same bits, dropout included; memory falls to one block's activations at a time, time grows by one forward pass.
// Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016).
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "temper/abi.h"

namespace temper {

/// A block's output from its inputs; whatever else it reads (weights, masks) it has captured.
using RecomputedBlock = std::function<at::Tensor(const std::vector<at::Tensor>& inputs)>;

/// block(inputs), differentiable with respect to `inputs` and `parameters`. The block runs once now, without a graph, and
/// once in backward, with the random numbers and the autocast of the first time. `parameters` are all trained tensors that
/// it reads: one that is missing gets no gradient. Undefined tensors among them are passed over. What the block has captured
/// must live until backward. Without gradients it is block(inputs) itself. [run]
TEMPER_API at::Tensor recomputed(const std::vector<at::Tensor>& inputs, const std::vector<at::Tensor>& parameters,
                                 RecomputedBlock block);

}  // namespace temper
