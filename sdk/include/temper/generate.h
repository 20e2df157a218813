// Batched sampling and scoring as the host lends them to stages and evaluators. Results do not depend on what else is in
// the batch (tokens equal, log-probabilities to 1e-4): every prompt has its own random stream, named by its seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temper/error.h"

namespace temper {

/// temperature 0 is greedy. top_k 0 and top_p 1 are off. Order: temperature, top_k, renormalise, top_p.
struct SamplingParams {
  std::int64_t max_new_tokens = 64;
  double temperature = 0;
  std::int64_t top_k = 0;
  double top_p = 1;
};

struct GenerateRequest {
  std::vector<std::int32_t> prompt_ids;  ///< with BOS if the tokenizer has one; not empty
  std::uint64_t seed = 0;                ///< this prompt's own stream
};

struct Completion {
  std::vector<std::int32_t> ids;  ///< what was sampled, without EOS
  std::vector<float> log_probs;   ///< of each sampled token (EOS included if sampled), at the sampling temperature
  std::string text;
  bool finished = false;  ///< ended by EOS, not by the length limit
};

class TEMPER_API Generator {
 public:
  virtual ~Generator();
  /// One completion a request, in order. Throws Cancelled on Ctrl-C. [run]
  virtual std::vector<Completion> generate(const std::vector<GenerateRequest>& requests, const SamplingParams& params) = 0;
};

/// log p(continuation | context): the context may be empty if the tokenizer has BOS, the continuation may not.
struct ScoreRequest {
  std::vector<std::int32_t> context_ids, continuation_ids;
};

struct Score {
  std::vector<float> log_probs;  ///< one a continuation token
  double sum = 0;
  bool is_greedy = false;  ///< every token was the most likely one
};

class TEMPER_API Scorer {
 public:
  virtual ~Scorer();
  /// In order. A request longer than the model's context loses context from the left; every continuation token is scored
  /// once, in rolling windows if it is longer than the context by itself. [run]
  virtual std::vector<Score> score(const std::vector<ScoreRequest>& requests) = 0;
};

}  // namespace temper
