// Prompt templates (see template.h). One table holds every template's texts; training and prompting walk the same turns.
// A template's own special tokens are put in by id; what people wrote is always ordinary text, so that nobody can write
// a special token into a conversation.
#include "temper/template.h"

#include <algorithm>
#include <array>

namespace temper {
namespace {

/// Texts around each role's content. Where `start` is not empty, it and `end` spell special tokens: a message is
/// start, role, `after_role`, content, end, `after_end`.
struct TemplateTexts {
  std::string_view name, system_before, system_after, user_before, user_after, assistant_before, assistant_after;
  std::string_view start = "", role_end = "", after_role = "", end = "", after_end = "";
  bool bos = true, trims = false;
};

constexpr std::array<TemplateTexts, 6> kTemplates = {{
    {"instruction", "", "\n\n", "### Instruction:\n", "\n\n", "### Response:\n", "\n\n"},
    {"chat", "<|system|>\n", "\n", "<|user|>\n", "\n", "<|assistant|>\n", "\n"},
    {"plain", "", "\n", "", "\n", "", "\n"},
    {"chatml", "", "", "", "", "", "", "<|im_start|>", "", "\n", "<|im_end|>", "\n", false},
    {"llama3", "", "", "", "", "", "", "<|start_header_id|>", "<|end_header_id|>", "\n\n", "<|eot_id|>", "", true, true},
    {"zephyr", "<|system|>\n", "", "<|user|>\n", "", "<|assistant|>\n", "", "", "", "", "</s>", "\n", false},
}};

const TemplateTexts& find_template(const std::string& name) {
  for (const auto& entry : kTemplates) {
    if (entry.name == name) return entry;
  }
  std::string known;
  for (const auto& entry : kTemplates) known += (known.empty() ? "" : ", ") + std::string(entry.name);
  throw ConfigError("prompt template '" + name + "' is unknown; there are: " + known);
}

/// Part of a turn: ordinary text, or the spelling of one special token.
struct Part {
  std::string text;
  bool special = false;
};

/// A stretch of the conversation, and whether the model learns to write it.
struct Turn {
  std::vector<Part> parts;
  bool answer = false;
};

std::string trimmed(const std::string& text) {
  constexpr std::string_view kSpace = " \t\n\r\f\v";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

/// Neighbouring ordinary texts become one, so that they are tokenised together.
void add(std::vector<Part>& parts, std::string_view text, bool special = false) {
  if (text.empty()) return;
  if (!special && !parts.empty() && !parts.back().special) {
    parts.back().text += text;
  } else {
    parts.push_back({std::string(text), special});
  }
}

void add_header(std::vector<Part>& parts, const TemplateTexts& texts, std::string_view role) {
  add(parts, texts.start, true);
  add(parts, role);
  add(parts, texts.role_end, true);
  add(parts, texts.after_role);
}

/// What stands around a message of `role` that the model only reads.
void add_message(std::vector<Part>& parts, const TemplateTexts& texts, const Message& message) {
  const bool system = message.role == "system";
  if (!texts.start.empty()) add_header(parts, texts, message.role);
  if (texts.start.empty()) add(parts, system ? texts.system_before : texts.user_before);
  add(parts, message.content);
  add(parts, system ? texts.system_after : texts.user_after);
  add(parts, texts.end, true);
  add(parts, texts.after_end);
}

/// The tokenizer's system message where a conversation has none; that of Llama 3.1, the date, also before one.
void add_default_system(const TemplateTexts& texts, std::vector<Message>& messages, const std::string& given) {
  if (given.empty() || texts.start.empty()) return;
  const bool has_system = !messages.empty() && messages.front().role == "system";
  if (!has_system) {
    messages.insert(messages.begin(), {"system", given});
  } else if (texts.name == "llama3") {
    messages.front().content.insert(0, given);
  }
}

std::vector<Turn> turns_of(const TemplateTexts& texts, std::vector<Message> messages, const Tokenizer& tokenizer) {
  if (texts.trims) {
    for (auto& message : messages) message.content = trimmed(message.content);
  }
  add_default_system(texts, messages, tokenizer.default_system_prompt());
  std::vector<Turn> turns;
  for (const auto& message : messages) {
    if (message.role == "assistant") {
      Turn answer{{}, true};
      add(answer.parts, message.content);
      turns.push_back(std::move(answer));
      continue;
    }
    if (message.role != "system" && message.role != "user") {
      throw DataError("message role '" + message.role + "' is unknown; use system, user or assistant");
    }
    Turn turn;
    add_message(turn.parts, texts, message);
    if (message.role == "user") {
      if (!texts.start.empty()) add_header(turn.parts, texts, "assistant");
      if (texts.start.empty()) add(turn.parts, texts.assistant_before);
    }
    turns.push_back(std::move(turn));
  }
  return turns;
}

std::int32_t special_id(const std::string& spelling, const TemplateTexts& texts, const Tokenizer& tokenizer) {
  const std::int32_t id = tokenizer.find_piece(spelling);
  if (id >= 0) return id;
  throw ConfigError("prompt template '" + std::string(texts.name) + "' needs the token '" + spelling +
                    "', which the tokenizer does not have; use another template");
}

/// The token that closes an answer.
std::int32_t end_id(const TemplateTexts& texts, const Tokenizer& tokenizer) {
  return texts.end.empty() ? tokenizer.eos_ids().front() : special_id(std::string(texts.end), texts, tokenizer);
}

/// What follows a closed answer when the conversation goes on.
std::string_view after_answer(const TemplateTexts& texts) {
  return texts.end.empty() ? texts.assistant_after : texts.after_end;
}

struct Encoded {
  std::vector<std::int64_t> ids;
  std::vector<bool> answer;  ///< answer token or the token that closes it
  std::string text;          ///< without BOS

  void push(const std::vector<std::int32_t>& more, bool is_answer) {
    ids.insert(ids.end(), more.begin(), more.end());
    answer.resize(ids.size(), is_answer);
  }
};

/// The first `count` turns. The last one's closing text is left out: nothing follows it.
Encoded encode_turns(const std::vector<Turn>& turns, std::size_t count, const TemplateTexts& texts,
                     const Tokenizer& tokenizer) {
  Encoded all;
  if (texts.bos && tokenizer.bos_id() >= 0) all.push({tokenizer.bos_id()}, false);
  for (std::size_t i = 0; i < count; ++i) {
    for (const auto& part : turns[i].parts) {
      all.text += part.text;
      if (part.special) {
        all.push({special_id(part.text, texts, tokenizer)}, false);
      } else {
        all.push(tokenizer.encode(part.text), turns[i].answer);
      }
    }
    if (!turns[i].answer) continue;
    all.text += texts.end;
    all.push({end_id(texts, tokenizer)}, true);
    const auto closing = after_answer(texts);
    all.text += closing;
    if (i + 1 < count && !closing.empty()) all.push(tokenizer.encode(closing), false);
  }
  return all;
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
  const auto turns = turns_of(texts, messages, tokenizer);
  const Encoded all = encode_turns(turns, turns.size(), texts, tokenizer);
  RenderedPrompt prompt;
  prompt.text = all.text;
  for (const auto id : all.ids) prompt.ids.push_back(static_cast<std::int32_t>(id));
  return prompt;
}

Example render_training(const std::string& template_name, const std::vector<Message>& messages, const Tokenizer& tokenizer) {
  const auto& texts = find_template(template_name);
  const auto turns = turns_of(texts, messages, tokenizer);
  Encoded all = encode_turns(turns, turns.size(), texts, tokenizer);
  const auto first = std::find(all.answer.begin(), all.answer.end(), true);
  if (first == all.answer.end()) throw DataError("a training conversation needs an assistant message; this one has none");
  Example example;
  example.ids = std::move(all.ids);
  example.prefix = first - all.answer.begin();
  // Position t predicts token t + 1, so the last token is a target only.
  example.labels.assign(example.ids.size(), kIgnoreLabel);
  for (std::size_t t = 0; t + 1 < example.ids.size(); ++t) {
    if (all.answer[t + 1]) example.labels[t] = example.ids[t + 1];
  }
  example.ids.pop_back();
  example.labels.pop_back();
  return example;
}

std::vector<Example> training_examples(const std::string& template_name, const std::vector<Message>& messages,
                                       const Tokenizer& tokenizer, const ArchitectureTraits& traits) {
  if (!traits.encoder_decoder) return {render_training(template_name, messages, tokenizer)};
  const auto& texts = find_template(template_name);
  const auto turns = turns_of(texts, messages, tokenizer);
  const std::int32_t eos = tokenizer.eos_ids().front();
  std::vector<Example> examples;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    if (!turns[i].answer) continue;
    Example example;
    example.source = encode_turns(turns, i, texts, tokenizer).ids;
    if (example.source.empty() || example.source.back() != eos) example.source.push_back(eos);
    example.ids = {tokenizer.pad_id()};
    for (const auto& part : turns[i].parts) {
      for (const auto id : tokenizer.encode(part.text)) example.labels.push_back(id);
    }
    example.ids.insert(example.ids.end(), example.labels.begin(), example.labels.end());
    example.labels.push_back(end_id(texts, tokenizer));
    examples.push_back(std::move(example));
  }
  if (examples.empty()) throw DataError("a training conversation needs an assistant message; this one has none");
  return examples;
}

}  // namespace temper
