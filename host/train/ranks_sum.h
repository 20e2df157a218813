// What many processes that train one model tell one another in a step: sums of their losses and counts, and of gradients.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "temper/architecture.h"
#include "temper/context.h"

namespace temper {

/// Sums over batches, of one process or of all.
struct BatchSums {
  double loss = 0;
  std::int64_t targets = 0;  ///< what the loss is a mean over: tokens, or pairs
  std::int64_t target_tokens = 0, target_bytes = 0;
  std::int64_t input_tokens = 0, source_tokens = 0;
  std::map<std::string, double> metrics;
};

/// One process's word about a step.
struct RankStep {
  BatchSums sums;
  bool cancelled = false;
};

struct AllSteps {
  BatchSums sums;
  bool cancelled = false;       ///< somebody was asked to stop
  std::vector<int> not_finite;  ///< ranks whose own loss is not finite
};

/// Collective. Adds in the order of ranks, so that all have the same bits.
AllSteps add_up(const RankStep& mine, Communicator& communicator);

/// Collective. Sums each tensor over all ranks, in place.
void sum_over_ranks(const std::vector<at::Tensor>& tensors, Communicator& communicator);

}  // namespace temper
