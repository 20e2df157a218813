// The way from a dataset's items to a model's answers that the evaluators share: which items, how they are prompted, and the
// answers in chunks, for progress and a prompt end on Ctrl-C. An answer does not depend on what else is asked.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "temper/evaluator.h"
#include "temper/template.h"

namespace temper::evaluators {

struct Question {
  EvalItem item;
  nlohmann::json attributes;  ///< an object
  RenderedPrompt prompt;
};

/// A JSON object; anything else is a DataError that begins with `what`.
nlohmann::json parse_object(const std::string& text, const std::string& what);

/// In the data's order, at most `limit` (0: all) of those items that `prepare` takes. What `prepare` throws as a DataError
/// is given the item's place.
std::vector<Question> collect_questions(EvalContext& context, const std::vector<std::string>& datasets, std::int64_t limit,
                                        const std::function<bool(const EvalItem&, const nlohmann::json&)>& prepare);

/// One answer a question, as valid UTF-8 (U+FFFD for a broken character); each item has a random stream of its own, named by
/// its id. Throws Cancelled.
std::vector<Completion> answer_questions(EvalContext& context, const std::string& evaluator,
                                         const std::vector<Question>& questions, const SamplingParams& sampling);

/// The row of a question without scores.
ExampleRow row_of(const Question& question, const Completion& answer);

/// For judges of text: the row's field response (DataError if it is missing), and a verdict to add to, which hands through
/// the row's item_id (or key, or id) and its prompt.
std::string response_of(const nlohmann::json& row);
nlohmann::json verdict_of(const nlohmann::json& row);
/// The row's prompt as a conversation: a text is one user turn, a list has turns with role and content. DataError otherwise.
std::vector<Message> prompt_of(const nlohmann::json& row);

}  // namespace temper::evaluators
