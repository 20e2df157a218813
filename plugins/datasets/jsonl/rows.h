// From one JSON object to a document, an instruction row, a preference pair or an evaluation item, in the field names that
// published data sets use. Pure functions; the jsonl dataset calls them and adds the file and line to their complaints.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "temper/dataset.h"

namespace temper::dataset_jsonl {

/// What is wrong with a row, as the second half of a sentence with the fix; the caller knows file and line.
struct BadRow {
  std::string what;
};

struct Fields {
  std::string format = "auto";
  std::string text = "text";
  std::string id;         ///< "" for the usual names
  std::string prompt;     ///< of items and unpaired feedback; "" for the usual names
  std::string reference;  ///< of items; "" for the usual names
  // Of unpaired feedback.
  std::string completion, label;          ///< "" for the usual names
  std::vector<std::string> label_values;  ///< good and bad; empty is true and false
  std::string layout;                     ///< how the prompt field holds prompt and answer; "" if it does not
  bool keep = false;                      ///< documents keep their other fields
};

// Each fills everything but `source`; `fallback_id` is used where the row has no id of its own. Throws BadRow.
Document to_document(const nlohmann::json& row, const Fields& fields, const std::string& fallback_id);
InstructionRow to_instruction(const nlohmann::json& row, const Fields& fields, const std::string& fallback_id);
/// A ranking gives all its pairs, or none if all its answers are equally good.
std::vector<PreferencePair> to_preferences(const nlohmann::json& row, const Fields& fields, const std::string& fallback_id);
EvalItem to_item(const nlohmann::json& row, const Fields& fields, const std::string& fallback_id);

/// An HH-RLHF dialogue ("\n\nHuman: ...\n\nAssistant: ...") as messages. Throws BadRow if it is none.
std::vector<Message> split_dialogue(const std::string& text);

}  // namespace temper::dataset_jsonl
