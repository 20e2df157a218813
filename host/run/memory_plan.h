// How much memory each stage of an experiment will need in each of its processes: told before anything is computed, by
// `temper run --dry-run`. Weights, gradients and moments are counted; activations are measured on rows of the model itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/config/experiment.h"
#include "host/plugin/registry.h"

namespace temper {

/// Bytes in one process. Program, data and what a stage holds besides (frozen models, a critic) come on top.
struct StageMemory {
  std::string stage;
  std::int64_t weights = 0, gradients = 0;
  std::int64_t optimizer = 0;    ///< moments; with shard_optimizer those of rank 0's shard, the largest
  std::int64_t activations = 0;  ///< at the peak of one micro-batch, with what backward needs meanwhile
  std::int64_t rows = 0, context = 0;
  std::string why_not;  ///< "" or why this stage cannot be planned
  std::int64_t total() const { return weights + gradients + optimizer + activations; }
};

/// Of all stages that train. Makes their models, one at a time, and runs a row or two of them.
std::vector<StageMemory> plan_memory(const Experiment& experiment, const Registry& registry, int ranks);
std::string describe_memory(const std::vector<StageMemory>& stages, int ranks);

}  // namespace temper
