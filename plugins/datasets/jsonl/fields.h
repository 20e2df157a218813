// Reading single fields of a JSON row, with complaints that say what is there instead. For rows.cpp and preferences.cpp.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rows.h"

namespace temper::dataset_jsonl {

std::string names_of(const nlohmann::json& row);
bool has(const nlohmann::json& row, const std::string& name);
/// The text of field `name`, which has to be there.
std::string text_of(const nlohmann::json& row, const std::string& name);
/// "" where the field is missing or null.
std::string optional_text(const nlohmann::json& row, const std::string& name);
/// Numbers and booleans as the data writes them, so that `answer: 3` is a fine reference; "" for anything else.
std::string scalar_text(const nlohmann::json& value);
/// The first of these fields that the row has, or "".
std::string first_of(const nlohmann::json& row, std::initializer_list<const char*> names);
std::string id_of(const nlohmann::json& row, const Fields& fields, const std::string& fallback);

std::vector<Message> to_messages(const nlohmann::json& turns, const std::string& name);
/// A prompt as a text or as chat turns.
std::vector<Message> prompt_of(const nlohmann::json& row, const std::string& name);
/// The same with the text of `input` behind it, where field is `instruction`.
std::vector<Message> prompt_with_input(const nlohmann::json& row, const std::string& field);
/// "messages", "conversations" or "".
std::string chat_field(const nlohmann::json& row);
/// A text, or a chat turn or list of turns whose last one is the answer. `name` is for the complaint.
std::string answer_text(const nlohmann::json& value, const std::string& name);

[[noreturn]] void wrong_format(const std::string& asked, const Fields& fields);

}  // namespace temper::dataset_jsonl
