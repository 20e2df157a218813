// Batched sampling and scoring as the host lends them to stages and evaluators. Results do not depend on what else is in
// the batch (tokens equal, log-probabilities to 1e-4): every prompt has its own random stream, named by its seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temper/error.h"
#include "temper/params.h"

namespace temper {

/// temperature 0 is greedy. top_k 0, top_p 1, min_p 0 and repetition_penalty 1 are off. Order: repetition penalty (Keskar
/// et al., 2019, over prompt and answer), temperature, top_k, renormalise, top_p, min_p (relative to the likeliest token).
struct SamplingParams {
  std::int64_t max_new_tokens = 64;
  double temperature = 0;
  std::int64_t top_k = 0;
  double top_p = 1;
  double min_p = 0;
  double repetition_penalty = 1;
  std::vector<std::string> stop = {};  ///< texts that end an answer; they are cut off it
  std::string weights = "float32";     ///< or "int8": weight-only quantisation, faster and slightly different
};
/// For stages and evaluators to include in their tables.
TEMPER_API ParamTable<SamplingParams> sampling_params();

/// Requests with equal prompts share one prefill, so n samples of a prompt are n requests with different seeds.
struct GenerateRequest {
  /// With BOS if the tokenizer has one; not empty. An encoder-decoder reads it with its encoder, EOS put behind it.
  std::vector<std::int32_t> prompt_ids;
  std::uint64_t seed = 0;  ///< this prompt's own stream
};

struct Completion {
  std::vector<std::int32_t> ids;  ///< what was sampled, without EOS
  std::vector<float> log_probs;   ///< of each sampled token (EOS included if sampled), at the sampling temperature
  std::string text;               ///< up to a stop string, if one came; `ids` holds all of what was sampled
  bool finished = false;          ///< ended by EOS or a stop string, not by the length limit
  std::string stopped_by;         ///< "eos", "length", or the stop string
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
