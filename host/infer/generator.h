// Batched sampling with a key/value cache where the model offers one, full passes where it does not. Prompts are sorted by
// length, padded on the left, and finished rows leave the batch.
#pragma once

#include <functional>
#include <vector>

#include "temper/architecture.h"
#include "temper/generate.h"
#include "temper/tokenizer.h"

namespace temper {

struct GeneratorOptions {
  std::int64_t batch_size = 64;
  std::function<bool()> cancelled;
  std::function<void(std::int64_t done)> on_progress;
};

class BatchGenerator final : public Generator {
 public:
  /// `model` and `tokenizer` have to outlive the generator. The model is used in evaluation mode and put back after.
  BatchGenerator(Architecture& model, const Tokenizer& tokenizer, GeneratorOptions options);
  std::vector<Completion> generate(const std::vector<GenerateRequest>& requests, const SamplingParams& params) override;

 private:
  struct Row;
  void run_batch(std::vector<Row>& rows, const SamplingParams& params);

  Architecture& model_;
  const Tokenizer& tokenizer_;
  GeneratorOptions options_;
};

}  // namespace temper
