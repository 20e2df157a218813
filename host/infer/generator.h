// Batched sampling with continuous batching: a fixed number of places, a queue of requests, and a finished sequence's place
// goes to the next request at once. Requests with equal prompts share one prefill. What a request gets does not depend on
// its companions: it has its own random stream, and places do not see one another.
#pragma once

#include <functional>
#include <vector>

#include "temper/architecture.h"
#include "temper/generate.h"
#include "temper/tokenizer.h"

namespace temper {

/// What int8 weights did to the log-probabilities of sampled tokens, against the float32 model.
struct WeightEffect {
  std::int64_t tokens = 0;
  double mean_abs = 0, max_abs = 0;  ///< nats
};
std::string to_text(const WeightEffect& effect);

struct GeneratorOptions {
  std::int64_t batch_size = 64;
  std::function<bool()> cancelled = {};
  std::function<void(std::int64_t done)> on_progress = {};
  /// After every token: the request's index and its text so far (which may end in the middle of a stop string).
  std::function<void(std::size_t request, const std::string& text)> on_text = {};
  /// After a generation with int8 weights: the effect on the first few answers.
  std::function<void(const WeightEffect&)> on_weight_effect = {};
};

class BatchGenerator final : public Generator {
 public:
  /// `model` and `tokenizer` have to outlive the generator. The model is used in evaluation mode and put back after.
  BatchGenerator(Architecture& model, const Tokenizer& tokenizer, GeneratorOptions options);
  std::vector<Completion> generate(const std::vector<GenerateRequest>& requests, const SamplingParams& params) override;

 private:
  struct Row;
  std::vector<Row> rows_of(const std::vector<GenerateRequest>& requests, const SamplingParams& params) const;
  void run(std::vector<Row>& rows, const SamplingParams& params);
  bool take_token(Row& row, std::size_t request, std::span<const float> logits, const SamplingParams& params) const;
  void measure_weights(const std::vector<Row>& rows, const SamplingParams& params);

  Architecture& model_;
  const Tokenizer& tokenizer_;
  GeneratorOptions options_;
  std::vector<std::int32_t> eos_;
};

}  // namespace temper
