// Field names and shapes of published rows (see rows.h). Sources: the data cards of Alpaca, UltraChat, HH-RLHF, IFEval.
#include "rows.h"

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>

namespace temper::dataset_jsonl {
namespace {

using nlohmann::json;

std::string names_of(const json& row) {
  std::string names;
  for (const auto& [name, value] : row.items()) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "none" : names;
}

bool has(const json& row, const std::string& name) { return row.contains(name); }

/// The text of field `name`, which has to be there.
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

/// Numbers and booleans as the data writes them, so that `answer: 3` is a fine reference.
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

std::vector<Message> to_messages(const json& turns, const std::string& name) {
  if (!turns.is_array() || turns.empty()) throw BadRow{"field '" + name + "' must be a list of chat turns"};
  std::vector<Message> messages;
  for (const auto& turn : turns) messages.push_back(to_message(turn));
  return messages;
}

/// A prompt as a text or as chat turns.
std::vector<Message> prompt_of(const json& row, const std::string& name) {
  if (row[name].is_array()) return to_messages(row[name], name);
  return {{"user", text_of(row, name)}};
}

std::string chat_field(const json& row) { return first_of(row, {"messages", "conversations"}); }

/// A text, or a chat turn or list of turns whose last one is the answer.
std::string answer_of(const json& row, const std::string& name) {
  const json& value = row[name];
  if (value.is_object()) return to_message(value).content;
  if (value.is_array()) return to_messages(value, name).back().content;
  return text_of(row, name);
}

void check_answer(const std::vector<Message>& messages) {
  bool user = false;
  for (const auto& message : messages) {
    user = user || message.role == "user";
    if (message.role == "assistant" && user) return;
  }
  throw BadRow{"the row has no assistant turn behind a user turn; an instruction row needs both"};
}

std::string instruction_format(const json& row, const Fields& fields) {
  if (fields.format != "auto") return fields.format;
  if (!chat_field(row).empty()) return "chat";
  if (has(row, "instruction")) return "alpaca";
  if (has(row, "prompt")) return "completion";
  throw BadRow{"no instruction row (fields here: " + names_of(row) +
               "); it needs messages, or instruction and output, or prompt and completion"};
}

[[noreturn]] void wrong_format(const std::string& asked, const Fields& fields) {
  throw ConfigError("a jsonl dataset with format '" + fields.format + "' was asked for " + asked +
                    "; set format to auto or to one that gives them");
}

}  // namespace

Document to_document(const json& row, const Fields& fields, const std::string& fallback_id) {
  if (fields.format != "auto" && fields.format != "documents") wrong_format("documents", fields);
  return {id_of(row, fields, fallback_id), text_of(row, fields.text), ""};
}

InstructionRow to_instruction(const json& row, const Fields& fields, const std::string& fallback_id) {
  InstructionRow result{id_of(row, fields, fallback_id), {}, ""};
  const std::string format = instruction_format(row, fields);
  if (format == "chat") {
    const std::string name = chat_field(row);
    if (name.empty()) throw BadRow{"field 'messages' is missing (fields here: " + names_of(row) + "); add it"};
    result.messages = to_messages(row[name], name);
  } else if (format == "alpaca" || format == "completion") {
    const std::string system = optional_text(row, "system");
    if (!system.empty()) result.messages.push_back({"system", system});
    std::string prompt = text_of(row, format == "alpaca" ? "instruction" : "prompt");
    const std::string input = format == "alpaca" ? optional_text(row, "input") : "";
    if (!input.empty()) prompt += (prompt.empty() ? "" : "\n\n") + input;
    std::string answer = format == "alpaca" ? first_of(row, {"output", "response", "completion"})
                                            : first_of(row, {"completion", "response", "output"});
    if (answer.empty()) answer = format == "alpaca" ? "output" : "completion";
    result.messages.push_back({"user", std::move(prompt)});
    result.messages.push_back({"assistant", text_of(row, answer)});
  } else {
    wrong_format("instruction rows", fields);
  }
  check_answer(result.messages);
  return result;
}

std::vector<Message> split_dialogue(const std::string& text) {
  struct Mark {
    std::string_view text, role;
  };
  constexpr Mark kMarks[] = {{"\n\nHuman:", "user"}, {"\n\nAssistant:", "assistant"}};
  const auto find_mark = [&](std::size_t from) {
    std::pair<std::size_t, const Mark*> best{std::string::npos, nullptr};
    for (const auto& mark : kMarks) {
      const std::size_t at = text.find(mark.text, from);
      if (at < best.first) best = {at, &mark};
    }
    return best;
  };
  auto [at, mark] = find_mark(0);
  if (at != 0) throw BadRow{R"(the dialogue must begin with "\n\nHuman:" or "\n\nAssistant:")"};
  std::vector<Message> messages;
  while (mark != nullptr) {
    std::size_t begin = at + mark->text.size();
    const auto [next_at, next_mark] = find_mark(begin);
    if (begin < text.size() && text[begin] == ' ') ++begin;
    const std::size_t end = next_at == std::string::npos ? text.size() : next_at;
    std::string content = begin < end ? text.substr(begin, end - begin) : "";
    // A few published rows have two turns of one speaker in a row; as one turn they stay usable.
    if (!messages.empty() && messages.back().role == mark->role) {
      messages.back().content += "\n\n" + content;
    } else {
      messages.push_back({std::string(mark->role), std::move(content)});
    }
    at = next_at;
    mark = next_mark;
  }
  return messages;
}

PreferencePair to_preference(const json& row, const Fields& fields, const std::string& fallback_id) {
  const std::string& format = fields.format;
  if (format != "auto" && format != "preferences" && format != "hh") wrong_format("preference pairs", fields);
  PreferencePair pair;
  pair.id = id_of(row, fields, fallback_id);
  pair.dimension = optional_text(row, "dimension");
  for (const char* name : {"chosen", "rejected"}) {
    if (!has(row, name)) text_of(row, name);
  }
  std::string prompt = first_of(row, {"prompt", "messages", "conversations", "instruction"});
  if (format != "hh" && !prompt.empty()) {
    pair.prompt = prompt_of(row, prompt);
    const std::string input = prompt == "instruction" ? optional_text(row, "input") : "";
    if (!input.empty()) pair.prompt.back().content += "\n\n" + input;
    pair.chosen = answer_of(row, "chosen");
    pair.rejected = answer_of(row, "rejected");
  } else if (format == "preferences") {
    text_of(row, "prompt");
  } else {
    std::vector<Message> chosen = split_dialogue(text_of(row, "chosen"));
    std::vector<Message> rejected = split_dialogue(text_of(row, "rejected"));
    if (chosen.back().role != "assistant" || rejected.back().role != "assistant") {
      throw BadRow{"both dialogues must end with an Assistant turn"};
    }
    pair.chosen = std::move(chosen.back().content);
    pair.rejected = std::move(rejected.back().content);
    chosen.pop_back();
    rejected.pop_back();
    const auto same = [](const Message& a, const Message& b) { return a.role == b.role && a.content == b.content; };
    if (!std::equal(chosen.begin(), chosen.end(), rejected.begin(), rejected.end(), same)) {
      throw BadRow{"the dialogues of 'chosen' and 'rejected' differ before their last turn, so they cannot be compared"};
    }
    pair.prompt = std::move(chosen);
  }
  if (pair.prompt.empty() || pair.prompt.back().role != "user") throw BadRow{"the prompt must end with a user turn"};
  return pair;
}

EvalItem to_item(const json& row, const Fields& fields, const std::string& fallback_id) {
  if (fields.format != "auto" && fields.format != "items") wrong_format("evaluation items", fields);
  const std::string prompt =
      fields.prompt.empty() ? first_of(row, {"prompt", "messages", "question", "instruction", "input"}) : fields.prompt;
  if (prompt.empty() || !has(row, prompt)) {
    throw BadRow{"field '" + (prompt.empty() ? "prompt" : prompt) + "' is missing (fields here: " + names_of(row) +
                 "); add it or set prompt_field"};
  }
  EvalItem item;
  item.id = id_of(row, fields, fallback_id);
  item.prompt = prompt_of(row, prompt);
  while (!item.prompt.empty() && item.prompt.back().role != "user") item.prompt.pop_back();
  if (item.prompt.empty()) throw BadRow{"the prompt has no user turn; add one"};
  std::set<std::string> used = {prompt};
  if (prompt == "instruction" && !optional_text(row, "input").empty()) {
    item.prompt.back().content += "\n\n" + optional_text(row, "input");
    used.insert("input");
  }
  const std::string reference =
      fields.reference.empty() ? first_of(row, {"reference", "answer", "output", "target"}) : fields.reference;
  if (!fields.reference.empty() && !has(row, reference)) text_of(row, reference);
  if (!reference.empty() && !scalar_text(row[reference]).empty()) {
    item.reference = scalar_text(row[reference]);
    used.insert(reference);
  }
  if (has(row, "task") && row["task"].is_string()) {
    item.task = row["task"].get<std::string>();
  } else if (has(row, "instruction_id_list")) {
    item.task = "instruction_following";
  }
  json attributes = json::object();
  for (const auto& [name, value] : row.items()) {
    if (!used.contains(name)) attributes[name] = value;
  }
  item.attributes_json = attributes.dump();
  return item;
}

}  // namespace temper::dataset_jsonl
