// Whom answers are compared with: reference answers of the data, answers that another system wrote into a file, or another
// model, which then answers the same items. And who says which of two answers is better: reward models, which read each
// answer by itself, or a model that is asked about both, in both orders.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "questions.h"
#include "temper/context.h"
#include "temper/generate.h"
#include "text_reward.h"

namespace temper::helpfulness {

/// The other side's answer to each question, in order. `against` is "reference", a .jsonl file (relative to
/// `base_dir`) with item_id (or key, id) or prompt, and response, or a model reference. Every question needs exactly one
/// answer: missing and repeated ones are a DataError that names them (P-SAFE-05).
std::vector<std::string> opponent_answers(EvalContext& context, const std::string& against, const std::string& base_dir,
                                          const std::vector<evaluators::Question>& questions,
                                          const SamplingParams& sampling);

/// Our answer's chance of being the better one.
struct Preference {
  double ours = 0.5;
  bool depends_on_order = false;  ///< a judge that is asked preferred what stood first, or second, both times
};

/// By reward: 1, 0, or 0.5 where both are equal.
std::vector<Preference> compare_by_reward(const std::vector<double>& ours, const std::vector<double>& theirs);

struct Pair {
  std::vector<Message> prompt;
  std::string ours, theirs;
};

/// By asking: the judge is shown both answers as A and B and as B and A; its probability of the letter A against B is
/// averaged over both. Source: Zheng et al., "Judging LLM-as-a-Judge" (2023), section 3.4.
std::vector<Preference> compare_by_asking(LentModel& judge, const std::vector<Pair>& pairs, EvalContext& context);

}  // namespace temper::helpfulness
