// Memorisation: what of its training documents can be drawn out of a model. Four questions, each asked of held-out documents
// too where that makes sense: does it continue training text word for word (extraction.h), does it know planted secrets
// (canary_exposure.h), do its losses tell which documents it was trained on (membership.h), and how long are the passages
// and which the personal data that its own text shares with them (overlap.h)? Every answer depends on data, seed and model
// only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temper/evaluator.h"

namespace temper::memorization {

struct Params {
  std::vector<std::string> data, canaries;
  std::int64_t windows = 100;
  std::vector<std::string> prompt_tokens = {"16", "48"};
  std::int64_t continuation_tokens = 32;
  std::int64_t tries = 1;
  double temperature = 1;
  std::int64_t top_k = 40;
  std::int64_t membership_documents = 200;
  std::int64_t membership_tokens = 64;
  double min_k = 0.2;
  std::int64_t generations = 64;
  std::int64_t generation_tokens = 64;
  std::int64_t long_overlap = 50;
  std::int64_t alternatives = 127;
  std::int64_t index_mb = 64;

  std::vector<std::int64_t> prompts = {};  ///< prompt_tokens as numbers, rising; made by the evaluator
};
ParamTable<Params> memorization_params();

class Memorization final : public Evaluator {
 public:
  explicit Memorization(const Params& params);
  EvalResult evaluate(EvalContext& context) override;

 private:
  Params params_;
};

}  // namespace temper::memorization
