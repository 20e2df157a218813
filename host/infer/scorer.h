// Log-likelihoods of given continuations. Requests are sorted by length and batched with padding on the right, which a
// causal model cannot see, so scores do not depend on the batch.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "temper/architecture.h"
#include "temper/generate.h"
#include "temper/tokenizer.h"

namespace temper {

/// One forward pass over `input` whose last `targets.size()` positions predict `targets`.
struct ScoreWindow {
  std::vector<std::int32_t> input, targets;
};

/// Cuts one request into windows of at most `limit` inputs (0: no limit) in which every continuation token is a target
/// exactly once, each with as much context as fits.
std::vector<ScoreWindow> score_windows(const ScoreRequest& request, std::int64_t limit);

class BatchScorer final : public Scorer {
 public:
  BatchScorer(Architecture& model, const Tokenizer& tokenizer, std::function<bool()> cancelled,
              std::int64_t batch_tokens = 4096);
  std::vector<Score> score(const std::vector<ScoreRequest>& requests) override;

 private:
  Architecture& model_;
  const Tokenizer& tokenizer_;
  std::function<bool()> cancelled_;
  std::int64_t batch_tokens_;
};

}  // namespace temper
