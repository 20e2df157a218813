// Documents, instruction rows and items in the shapes of published rows (see rows.h). Sources: the data cards of Alpaca,
// UltraChat, IFEval.
#include "rows.h"

#include <nlohmann/json.hpp>
#include <set>

#include "fields.h"

namespace temper::dataset_jsonl {

using nlohmann::json;

namespace {

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

}  // namespace

Document to_document(const json& row, const Fields& fields, const std::string& fallback_id) {
  if (fields.format != "auto" && fields.format != "documents") wrong_format("documents", fields);
  Document document{id_of(row, fields, fallback_id), text_of(row, fields.text), ""};
  if (!fields.keep) return document;
  json others = row;
  others.erase(fields.text);
  // The id has a field of its own in what is made of the document; a field of that name would stand twice.
  others.erase(fields.id.empty() ? "id" : fields.id);
  others.erase("id");
  others.erase("text");
  if (!others.empty()) document.attributes_json = others.dump();
  return document;
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
  if (has(row, "cluster") && !row["cluster"].is_null()) {
    item.cluster = scalar_text(row["cluster"]);
    if (item.cluster.empty()) throw BadRow{"field 'cluster' is " + row["cluster"].dump() + ", must be a text or a number"};
    used.insert("cluster");
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
