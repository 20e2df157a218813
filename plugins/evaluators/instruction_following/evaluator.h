// Instruction following after IFEval: a model answers prompts whose instructions a program can verify. Two interfaces: the
// evaluator generates and measures; the judge scores answers that any system wrote. Verdicts are made in common/ifeval.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "check.h"
#include "temper/evaluator.h"

namespace temper::instruction_following {

struct Params {
  std::vector<std::string> data;
  std::int64_t limit = 0;
  bool markdown_bullets = false;
  SamplingParams sampling;
};
ParamTable<Params> params_table();

struct Task;

class InstructionFollowing final : public Evaluator, public TextJudge {
 public:
  explicit InstructionFollowing(const Params& params) : params_(params), options_{params.markdown_bullets} {}

  EvalResult evaluate(EvalContext& context) override;
  /// In: instruction_id_list, kwargs, response; prompt and key or item_id are handed through. Out: IFEval's verdict
  /// fields, strict as they are and loose with the suffix _loose.
  std::string judge(const std::string& row_json) override;

 private:
  std::vector<Task> collect(EvalContext& context) const;
  std::vector<Completion> generate(EvalContext& context, const std::vector<Task>& tasks) const;

  Params params_;
  Options options_;
};

}  // namespace temper::instruction_following
