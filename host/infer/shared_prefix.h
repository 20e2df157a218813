// Scoring windows that begin alike with one pass over the beginning: options of one question share its context, and
// questions behind the same demonstrations share those. The beginning goes into the model's cache once, is copied, and what
// differs follows in steps of many tokens. Used by scorer.cpp for architectures that decode with a cache; scores equal those
// of full passes to rounding.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "host/infer/scorer.h"

namespace temper {

/// Windows with the same source and the same inputs before the first target.
struct SharedContext {
  std::int64_t lead = 1;             ///< how many inputs that is
  std::vector<std::size_t> windows;  ///< indices, in the order of the input
};
/// Contexts whose first `common` inputs are the same; 0: nothing is shared beyond each context.
struct SharedBeginning {
  std::int64_t common = 0;
  std::vector<SharedContext> contexts;
};

/// What is worth sharing. Windows that are better off in a full pass are in none of the beginnings. `causal`: a context's
/// beginning does not depend on its end, so contexts may share it. `batch_tokens`: of a step.
std::vector<SharedBeginning> plan_sharing(const std::vector<ScoreWindow>& windows, bool causal, std::int64_t batch_tokens);

/// What comes of a window's target: its log-probability, and whether it was the likeliest token.
using OnTarget = std::function<void(std::size_t window, std::size_t target, float log_prob, bool greedy)>;

/// Without gradients and in evaluation mode. `batch_tokens` bounds a prefill and a step, `cancelled` may be empty. Throws
/// Cancelled.
void score_shared(Architecture& model, IncrementalDecoder& decoder, std::int64_t pad_id,
                  const std::vector<ScoreWindow>& windows, const std::vector<SharedBeginning>& plan,
                  std::int64_t batch_tokens, const std::function<bool()>& cancelled, const OnTarget& on_target);

}  // namespace temper
