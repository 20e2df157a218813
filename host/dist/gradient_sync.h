// Gradients summed over ranks while backward goes on: c10d's Reducer, whose buckets travel as soon as they are full.
#pragma once

#include <functional>
#include <memory>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <vector>

#include "host/train/parallel.h"

namespace temper {

/// What becomes of an exception from a collective: throws an Error in its place.
using ExplainFailure = std::function<void(const std::exception& error)>;

std::unique_ptr<GradientSync> make_gradient_sync(const c10::intrusive_ptr<c10d::ProcessGroup>& group,
                                                 const c10::intrusive_ptr<c10d::Backend>& backend,
                                                 const std::vector<at::Tensor>& parameters,
                                                 const std::vector<std::vector<std::size_t>>& buckets, bool scatter,
                                                 ExplainFailure explain);

}  // namespace temper
