// Labelled single answers (see feedback.h).
#include "feedback.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "fields.h"

namespace temper::dataset_jsonl {

using nlohmann::json;

namespace {

constexpr std::string_view kPrompt = "{prompt}", kCompletion = "{completion}";

std::string trimmed(const std::string& text) {
  constexpr const char* kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

bool is_good(const json& row, const Fields& fields) {
  const std::string name = fields.label.empty() ? "label" : fields.label;
  if (!has(row, name)) {
    throw BadRow{"field '" + name + "' is missing (fields here: " + names_of(row) + "); add it or set label_field"};
  }
  const json& label = row[name];
  if (fields.label_values.empty()) {
    const bool is_number = label.is_number_integer() && (label == 0 || label == 1);
    if (!label.is_boolean() && !is_number) {
      throw BadRow{"field '" + name + "' is " + label.dump() + ", must be true or false; set label_values for other words"};
    }
    return is_number ? label == 1 : label.get<bool>();
  }
  const std::string value = trimmed(scalar_text(label));
  if (value == trimmed(fields.label_values.front())) return true;
  if (value == trimmed(fields.label_values.back())) return false;
  throw BadRow{"field '" + name + "' is " + label.dump() + ", must be one of label_values (" + fields.label_values.front() +
               ", " + fields.label_values.back() + ")"};
}

std::string prompt_name(const json& row, const Fields& fields) {
  const std::string name = fields.prompt.empty()
                               ? first_of(row, {"prompt", "messages", "conversations", "question", "instruction"})
                               : fields.prompt;
  if (name.empty() || !has(row, name)) text_of(row, name.empty() ? "prompt" : name);
  return name;
}

}  // namespace

std::string layout_problem(const std::string& layout) {
  const std::size_t prompt = layout.find(kPrompt), completion = layout.find(kCompletion);
  if (prompt == std::string::npos || completion == std::string::npos) return "it needs {prompt} and {completion}";
  if (completion <= prompt + kPrompt.size()) return "it needs {completion} behind {prompt}, with some text between them";
  if (layout.find(kPrompt, prompt + 1) != std::string::npos ||
      layout.find(kCompletion, completion + 1) != std::string::npos) {
    return "it needs {prompt} and {completion} once each";
  }
  return "";
}

PromptAndCompletion take_apart(const std::string& text, const std::string& layout) {
  const std::size_t prompt = layout.find(kPrompt), completion = layout.find(kCompletion);
  const std::string_view all = layout, before = all.substr(0, prompt), after = all.substr(completion + kCompletion.size());
  const std::string_view between = all.substr(prompt + kPrompt.size(), completion - prompt - kPrompt.size());
  const std::size_t middle = text.find(between, before.size());
  if (!text.starts_with(before) || !text.ends_with(after) || middle == std::string::npos ||
      middle + between.size() + after.size() > text.size()) {
    throw BadRow{"the prompt " + json(text.substr(0, 80)).dump(-1, ' ', false, json::error_handler_t::replace) +
                 " is not laid out as prompt_layout says (" + json(layout).dump() + "); correct one of them"};
  }
  const std::size_t answer = middle + between.size();
  return {text.substr(before.size(), middle - before.size()), text.substr(answer, text.size() - after.size() - answer)};
}

void read_feedback(const json& row, const Fields& fields, PreferencePair& pair) {
  const bool good = is_good(row, fields);
  std::string text;
  const std::string answer =
      fields.completion.empty() ? first_of(row, {"completion", "response", "output"}) : fields.completion;
  if (!fields.layout.empty()) {
    PromptAndCompletion parts = take_apart(text_of(row, prompt_name(row, fields)), fields.layout);
    pair.prompt = {{"user", std::move(parts.prompt)}};
    text = std::move(parts.completion);
  } else if (answer.empty()) {
    const std::string chat = chat_field(row);
    if (chat.empty()) throw BadRow{"no answer (fields here: " + names_of(row) + "); it needs completion, or messages"};
    pair.prompt = to_messages(row[chat], chat);
    if (pair.prompt.back().role != "assistant") throw BadRow{"field '" + chat + "' must end with an assistant turn"};
    text = std::move(pair.prompt.back().content);
    pair.prompt.pop_back();
  } else {
    if (!has(row, answer)) text_of(row, answer);
    const std::string prompt = prompt_name(row, fields);
    pair.prompt = prompt_with_input(row, prompt);
    text = answer_text(row[answer], answer);
  }
  pair.has_chosen = good;
  pair.has_rejected = !good;
  (good ? pair.chosen : pair.rejected) = std::move(text);
}

}  // namespace temper::dataset_jsonl
