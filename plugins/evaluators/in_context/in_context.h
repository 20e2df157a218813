// Any multiple-choice, cloze, generation or perplexity task that a file describes, with any number of demonstrations in the
// prompt. plugin.cpp is the entry; task.h has the file's form, items.h the prompts, answers.h the judging of texts, and
// common/multiple_choice.h the scoring of options.
// Source: Brown et al., "Language Models are Few-Shot Learners" (2020); scores as lm-evaluation-harness 0.4.13 has them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "items.h"
#include "score_sheet.h"
#include "task.h"
#include "temper/evaluator.h"

namespace temper::in_context {

struct Params {
  std::vector<std::string> tasks;
  std::string data_root;
  std::vector<std::string> data;
  std::int64_t shots = -1;
  std::int64_t limit = 0;
  std::string prompting = "task";
  bool log_likelihoods = false;
  SamplingParams sampling = {.max_new_tokens = 128};
};
ParamTable<Params> params_table();

class InContext final : public Evaluator {
 public:
  /// Reads the task files, so that a mistake in one is found before anything runs.
  InContext(const Params& params, const std::filesystem::path& base_dir, const std::filesystem::path& built_in);
  EvalResult evaluate(EvalContext& context) override;

 private:
  void evaluate_task(const Task& task, EvalContext& context, EvalResult& result, ScoreSheet& sheet) const;

  Params params_;
  TaskSet set_;
  Wishes wishes_;
};

}  // namespace temper::in_context
