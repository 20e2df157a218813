// Log-likelihoods of given continuations, by decoder-only and encoder-decoder models. What requests begin with in common is
// read once where that pays and the model has a cache (shared_prefix.h). All others are sorted by length and batched with
// padding on the right, which a causal model cannot see. Scores do not depend on the batch, to 1e-4.
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
  std::vector<std::int32_t> source;  ///< what the encoder reads; empty for decoder-only models
  std::int64_t context = 0;          ///< how many inputs at the front come before the first target
};

/// Cuts one request into windows of at most `limit` inputs (0: no limit) in which every continuation token is a target
/// exactly once, each with as much context as fits.
std::vector<ScoreWindow> score_windows(const ScoreRequest& request, std::int64_t limit);

/// The same for an encoder-decoder: the encoder reads the context, ended by one EOS, and the decoder the padding id and the
/// continuation. A continuation longer than `limit` is cut; what came directly before a window is then its source.
std::vector<ScoreWindow> score_windows_with_source(const ScoreRequest& request, std::int64_t limit, std::int32_t pad_id,
                                                   std::int32_t eos_id);

class BatchScorer final : public Scorer {
 public:
  /// `batch_tokens`: small enough for activations to stay in the processor's cache. `share` false: full passes only.
  BatchScorer(Architecture& model, const Tokenizer& tokenizer, std::function<bool()> cancelled,
              std::int64_t batch_tokens = 1024, bool share = true);
  std::vector<Score> score(const std::vector<ScoreRequest>& requests) override;

 private:
  Architecture& model_;
  const Tokenizer& tokenizer_;
  std::function<bool()> cancelled_;
  std::int64_t batch_tokens_;
  bool share_;
};

}  // namespace temper
