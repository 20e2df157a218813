// Whether a model ranks held-out answers as people did: by the rewards of a stage's reward head, or, for a stage without
// one, by the mean log-probability of an answer's tokens.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shared_reading.h"
#include "temper/evaluator.h"

namespace temper::preference_accuracy {

struct Params {
  std::vector<std::string> data;
  std::int64_t limit = 0;
  std::int64_t context = 0;
  std::string reference;
  double beta = 0.1;
};
ParamTable<Params> params_table();

class PreferenceAccuracy final : public Evaluator {
 public:
  explicit PreferenceAccuracy(const Params& params) : params_(params) {}
  EvalResult evaluate(EvalContext& context) override;
  void help(EvalContext& context, const std::string& order) override { stages::help_reading(context, order); }

 private:
  Params params_;
};

}  // namespace temper::preference_accuracy
