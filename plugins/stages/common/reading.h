// Answers that are only read, without gradients: in groups of like length, which the processes of a run share out. The
// groups are the same for any number of processes and each is read whole by one of them, so the values are the same bits
// (with equal threads). What is read off: reference_sums.h, reward_models.h; by evaluators: shared_reading.h.
// Shapes: N answers, G answers of a group, K values of an answer.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "dialogues.h"

namespace temper::stages {

/// Who reads, and what hears of it.
struct Readers {
  Communicator* ranks = nullptr;  ///< null: this process alone; else all of them call, with equal answers
  /// Called with the number of answers read so far; may throw Cancelled, and then all processes do.
  std::function<void(std::int64_t read)> done = {};
};

/// The groups (of indices) that this process computes, of those of all.
std::vector<std::vector<std::int64_t>> groups_of_rank(const std::vector<std::vector<std::int64_t>>& groups,
                                                      const Communicator* ranks);

/// [N, K] float32 in the answers' order: `read_GK` of each group, the model in evaluation mode.
at::Tensor read_in_groups(Architecture& model, const std::vector<Dialogue>& dialogues, std::int64_t pad_id,
                          std::int64_t values, const Readers& readers,
                          const std::function<at::Tensor(const Batch& batch)>& read_GK);

}  // namespace temper::stages
