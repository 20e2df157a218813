// Prompt templates (see template.h). One table holds every template's texts; training and prompting walk the same turns.
#include "temper/template.h"

#include <algorithm>
#include <array>

namespace temper {
namespace {

struct TemplateTexts {
  std::string_view name, system_before, system_after, user_before, user_after, assistant_before, assistant_after;
};

constexpr std::array<TemplateTexts, 3> kTemplates = {{
    {"instruction", "", "\n\n", "### Instruction:\n", "\n\n", "### Response:\n", "\n\n"},
    {"chat", "<|system|>\n", "\n", "<|user|>\n", "\n", "<|assistant|>\n", "\n"},
    {"plain", "", "\n", "", "\n", "", "\n"},
}};

const TemplateTexts& find_template(const std::string& name) {
  for (const auto& entry : kTemplates) {
    if (entry.name == name) return entry;
  }
  std::string known;
  for (const auto& entry : kTemplates) known += (known.empty() ? "" : ", ") + std::string(entry.name);
  throw ConfigError("prompt template '" + name + "' is unknown; there are: " + known);
}

/// A stretch of the conversation: its text, and whether the model learns to write it.
struct Turn {
  std::string text;
  bool answer = false;
};

std::vector<Turn> turns_of(const TemplateTexts& texts, const std::vector<Message>& messages) {
  std::vector<Turn> turns;
  for (const auto& message : messages) {
    if (message.role == "system") {
      turns.push_back({std::string(texts.system_before) + message.content + std::string(texts.system_after)});
    } else if (message.role == "user") {
      turns.push_back({std::string(texts.user_before) + message.content + std::string(texts.user_after) +
                       std::string(texts.assistant_before)});
    } else if (message.role == "assistant") {
      turns.push_back({message.content, true});
    } else {
      throw DataError("message role '" + message.role + "' is unknown; use system, user or assistant");
    }
  }
  return turns;
}

void append(std::vector<std::int64_t>& ids, const std::vector<std::int32_t>& more) {
  ids.insert(ids.end(), more.begin(), more.end());
}

/// Ids of the turns, and for each id whether it is an answer token (EOS behind an answer included).
void encode_turns(const std::vector<Turn>& turns, const TemplateTexts& texts, const Tokenizer& tokenizer,
                  std::vector<std::int64_t>& ids, std::vector<bool>& answer) {
  if (tokenizer.bos_id() >= 0) ids.push_back(tokenizer.bos_id());
  answer.resize(ids.size(), false);
  for (std::size_t i = 0; i < turns.size(); ++i) {
    append(ids, tokenizer.encode(turns[i].text));
    if (!turns[i].answer) {
      answer.resize(ids.size(), false);
      continue;
    }
    ids.push_back(tokenizer.eos_ids().front());
    answer.resize(ids.size(), true);
    if (i + 1 < turns.size()) append(ids, tokenizer.encode(texts.assistant_after));
    answer.resize(ids.size(), false);
  }
}

}  // namespace

std::vector<std::string> template_names() {
  std::vector<std::string> names;
  for (const auto& entry : kTemplates) names.emplace_back(entry.name);
  return names;
}

RenderedPrompt render_prompt(const std::string& template_name, const std::vector<Message>& messages,
                             const Tokenizer& tokenizer) {
  const auto& texts = find_template(template_name);
  if (messages.empty() || messages.back().role != "user") {
    throw DataError("a prompt has to end with a user message; this one has " +
                    (messages.empty() ? std::string("no messages") : "'" + messages.back().role + "' last"));
  }
  const auto turns = turns_of(texts, messages);
  std::vector<std::int64_t> ids;
  std::vector<bool> answer;
  encode_turns(turns, texts, tokenizer, ids, answer);
  RenderedPrompt prompt;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    prompt.text += turns[i].text;
    if (turns[i].answer) prompt.text += texts.assistant_after;
  }
  for (const auto id : ids) prompt.ids.push_back(static_cast<std::int32_t>(id));
  return prompt;
}

Example render_training(const std::string& template_name, const std::vector<Message>& messages, const Tokenizer& tokenizer) {
  const auto& texts = find_template(template_name);
  Example example;
  std::vector<bool> answer;
  encode_turns(turns_of(texts, messages), texts, tokenizer, example.ids, answer);
  if (std::find(answer.begin(), answer.end(), true) == answer.end()) {
    throw DataError("a training conversation needs an assistant message; this one has none");
  }
  // Position t predicts token t + 1, so the last token is a target only.
  example.labels.assign(example.ids.size(), kIgnoreLabel);
  for (std::size_t t = 0; t + 1 < example.ids.size(); ++t) {
    if (answer[t + 1]) example.labels[t] = example.ids[t + 1];
  }
  example.ids.pop_back();
  example.labels.pop_back();
  return example;
}

}  // namespace temper
