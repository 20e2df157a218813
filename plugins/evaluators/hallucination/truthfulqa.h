// TruthfulQA's questions: how they are recognised, which answers are options, and the prompt that the paper asks with.
// Source: Lin, Hilton and Evans, "TruthfulQA: Measuring How Models Mimic Human Falsehoods", ACL 2022, arXiv:2109.07958; the
// text is that of the paper's "QA prompt", which lm-evaluation-harness has word for word too. Used by hallucination.cpp.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "temper/dataset.h"

namespace temper::hallucination {

/// Whether an item has TruthfulQA's columns: "Correct Answers" and "Incorrect Answers", or correct_answers and
/// incorrect_answers.
bool is_truthfulqa(const nlohmann::json& attributes);

/// Options as the paper scores them: without spaces around, each with a full stop at its end.
struct TruthOptions {
  std::string best;
  std::vector<std::string> right;  ///< the best one among them
  std::vector<std::string> wrong;
};
/// Lists, or texts with "; " between answers as in TruthfulQA.csv. The best answer is "Best Answer" (or best_answer, or the
/// item's reference, or the first right one). Throws DataError if a side is empty.
TruthOptions options_of(const EvalItem& item, const nlohmann::json& attributes);

/// The six questions and answers, then this question, up to "A:".
std::string qa_prompt(const std::string& question);
/// The question alone as the model sees it: the item's last user turn.
std::string question_of(const EvalItem& item);

}  // namespace temper::hallucination
