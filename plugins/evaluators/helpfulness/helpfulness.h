// Helpfulness as task success: a model answers items whose answers a program can verify. Two interfaces: the evaluator
// generates and measures; the judge scores answers that any system wrote. When a task has succeeded is in task_success.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temper/evaluator.h"
#include "temper/generate.h"

namespace temper::helpfulness {

struct Params {
  std::vector<std::string> data;
  std::int64_t limit = 0;
  SamplingParams sampling;
};
ParamTable<Params> params_table();

class Helpfulness final : public Evaluator, public TextJudge {
 public:
  explicit Helpfulness(const Params& params) : params_(params) {}

  EvalResult evaluate(EvalContext& context) override;
  /// In: response, and what its task needs: reference (or answer), choices, instruction_id_list with kwargs, task; prompt
  /// and item_id (or key, id) are handed through. Out: task and correct; without `correct` where no right answer is known.
  std::string judge(const std::string& row_json) override;

 private:
  Params params_;
};

}  // namespace temper::helpfulness
