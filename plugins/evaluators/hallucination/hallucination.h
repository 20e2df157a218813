// Hallucination, with and without a text to look things up in: TruthfulQA by likelihood and by a trained judge of generated
// answers, people who do not exist, and claims that a given source does not have. Two interfaces: the evaluator generates
// and measures; the judge scores answers that any system wrote. Parts: truthfulqa.h, truth_judge.h, outcomes.h, claims.h.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "shared_reading.h"
#include "temper/evaluator.h"
#include "temper/generate.h"
#include "truth_judge.h"

namespace temper::hallucination {

struct Params {
  std::vector<std::string> data;
  std::int64_t limit = 0;
  std::string judge;                     ///< a model from outside
  std::vector<std::string> judge_stage;  ///< stages of the run
  std::string judge_classifier;          ///< file of a text classifier
  std::string judge_label = "yes";
  std::string informative_judge;
  std::vector<std::string> informative_stage;
  bool multiple_choice = true;
  std::string truthfulqa_prompt = "qa";
  SamplingParams sampling;
  bool judges() const { return !judge.empty() || !judge_stage.empty() || !judge_classifier.empty(); }
  bool judges_information() const { return !informative_judge.empty() || !informative_stage.empty(); }
};
ParamTable<Params> params_table();

class Hallucination final : public Evaluator, public TextJudge {
 public:
  explicit Hallucination(const Params& params, std::string base_dir = "")
      : params_(params), base_dir_(std::move(base_dir)) {}

  EvalResult evaluate(EvalContext& context) override;
  void help(EvalContext& context, const std::string& order) override { stages::help_reading(context, order); }
  void begin_judging(ModelLender& models) override;
  /// In: response; prompt (or question) for the judge; source (or context) for claims; reference (with choices, if there are
  /// any) or the task unknown_person for an outcome. Out, as far as the row has them: truthful and informative in [0, 1],
  /// claims and unsupported_claims with their texts under unsupported, outcome.
  std::string judge(const std::string& row_json) override;

 private:
  void add_classifier(TruthJudge& judge) const;
  Params params_;
  std::string base_dir_;
  TruthJudge truthful_, informative_;  ///< of begin_judging
};

}  // namespace temper::hallucination
