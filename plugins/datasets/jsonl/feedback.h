// Unpaired feedback: one answer that somebody found good or bad, in the field names that the row or the dataset's
// parameters give. For preferences.cpp; the layout's check is for the parameter table too.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "rows.h"

namespace temper::dataset_jsonl {

/// What is wrong with a layout, or "". It is text with {prompt} and {completion} in this order, some text between them.
std::string layout_problem(const std::string& layout);

struct PromptAndCompletion {
  std::string prompt, completion;
};
/// Takes `text` apart where the layout's own texts are; the prompt ends at the first place where it can. Throws BadRow.
PromptAndCompletion take_apart(const std::string& text, const std::string& layout);

/// Fills prompt, answer and the two flags. Throws BadRow.
void read_feedback(const nlohmann::json& row, const Fields& fields, PreferencePair& pair);

}  // namespace temper::dataset_jsonl
