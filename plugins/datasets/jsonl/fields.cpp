// Single fields of JSON rows (see fields.h).
#include "fields.h"

namespace temper::dataset_jsonl {

using nlohmann::json;

namespace {

Message to_message(const json& turn) {
  if (!turn.is_object()) throw BadRow{"a chat turn is " + std::string(turn.type_name()) + ", must be an object"};
  const bool share_gpt = has(turn, "from");
  Message message{text_of(turn, share_gpt ? "from" : "role"), text_of(turn, share_gpt ? "value" : "content")};
  if (message.role == "human") message.role = "user";
  if (message.role == "gpt") message.role = "assistant";
  if (message.role != "system" && message.role != "user" && message.role != "assistant") {
    throw BadRow{"chat role '" + message.role + "' is unknown; use system, user or assistant"};
  }
  return message;
}

}  // namespace

std::string names_of(const json& row) {
  std::string names;
  for (const auto& [name, value] : row.items()) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "none" : names;
}

bool has(const json& row, const std::string& name) { return row.contains(name); }

std::string text_of(const json& row, const std::string& name) {
  const auto found = row.find(name);
  if (found == row.end()) throw BadRow{"field '" + name + "' is missing (fields here: " + names_of(row) + "); add it"};
  if (!found->is_string()) {
    throw BadRow{"field '" + name + "' is " + std::string(found->type_name()) + ", must be a text; correct it"};
  }
  return found->get<std::string>();
}

std::string optional_text(const json& row, const std::string& name) {
  const auto found = row.find(name);
  return found == row.end() || found->is_null() ? "" : text_of(row, name);
}

std::string scalar_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return "";
}

std::string first_of(const json& row, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (has(row, name)) return name;
  }
  return "";
}

std::string id_of(const json& row, const Fields& fields, const std::string& fallback) {
  if (!fields.id.empty()) {
    if (!has(row, fields.id)) throw BadRow{"field '" + fields.id + "' (id_field) is missing; add it or drop id_field"};
    const std::string id = scalar_text(row[fields.id]);
    if (id.empty()) throw BadRow{"field '" + fields.id + "' (id_field) is neither a text nor a number; correct it"};
    return id;
  }
  const std::string name = first_of(row, {"id", "key", "item_id"});
  const std::string id = name.empty() ? "" : scalar_text(row[name]);
  return id.empty() ? fallback : id;
}

std::vector<Message> to_messages(const json& turns, const std::string& name) {
  if (!turns.is_array() || turns.empty()) throw BadRow{"field '" + name + "' must be a list of chat turns"};
  std::vector<Message> messages;
  for (const auto& turn : turns) messages.push_back(to_message(turn));
  return messages;
}

std::vector<Message> prompt_of(const json& row, const std::string& name) {
  if (row[name].is_array()) return to_messages(row[name], name);
  return {{"user", text_of(row, name)}};
}

std::vector<Message> prompt_with_input(const json& row, const std::string& field) {
  std::vector<Message> prompt = prompt_of(row, field);
  const std::string input = field == "instruction" ? optional_text(row, "input") : "";
  if (!input.empty()) prompt.back().content += "\n\n" + input;
  return prompt;
}

std::string chat_field(const json& row) { return first_of(row, {"messages", "conversations"}); }

std::string answer_text(const json& value, const std::string& name) {
  if (value.is_object()) return to_message(value).content;
  if (value.is_array()) return to_messages(value, name).back().content;
  if (!value.is_string()) {
    throw BadRow{"field '" + name + "' is " + std::string(value.type_name()) + ", must be a text; correct it"};
  }
  return value.get<std::string>();
}

[[noreturn]] void wrong_format(const std::string& asked, const Fields& fields) {
  throw ConfigError("a jsonl dataset with format '" + fields.format + "' was asked for " + asked +
                    "; set format to auto or to one that gives them");
}

}  // namespace temper::dataset_jsonl
