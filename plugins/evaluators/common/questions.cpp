// See questions.h.
#include "questions.h"

#include <algorithm>

#include "temper/hash.h"
#include "temper/random.h"
#include "unicode.h"

namespace temper::evaluators {

using nlohmann::json;

json parse_object(const std::string& text, const std::string& what) {
  json value;
  try {
    value = json::parse(text);
  } catch (const json::exception& error) {
    throw DataError(what + " is not valid JSON (" + error.what() + "); write it as one JSON object");
  }
  if (!value.is_object()) throw DataError(what + " is " + value.type_name() + ", must be a JSON object");
  return value;
}

std::vector<Question> collect_questions(EvalContext& context, const std::vector<std::string>& datasets, std::int64_t limit,
                                        const std::function<bool(const EvalItem&, const json&)>& prepare) {
  std::vector<Question> questions;
  for (EvalItem& item : context.items(datasets, 0)) {
    if (limit > 0 && static_cast<std::int64_t>(questions.size()) == limit) break;
    try {
      json attributes = item.attributes_json.empty() ? json::object() : parse_object(item.attributes_json, "attributes");
      if (!prepare(item, attributes)) continue;
      RenderedPrompt prompt = render_prompt(context.prompt_template(), item.prompt, context.tokenizer());
      questions.push_back({std::move(item), std::move(attributes), std::move(prompt)});
    } catch (const DataError& error) {
      throw DataError(item.source + ": item '" + item.id + "': " + error.what());
    }
  }
  return questions;
}

std::vector<Completion> answer_questions(EvalContext& context, const std::string& evaluator,
                                         const std::vector<Question>& questions, const SamplingParams& sampling) {
  constexpr std::size_t kChunk = 64;
  std::vector<Completion> answers;
  context.progress().begin(evaluator, static_cast<std::int64_t>(questions.size()));
  for (std::size_t from = 0; from < questions.size(); from += kChunk) {
    if (context.cancelled()) throw Cancelled("evaluator " + evaluator + " was stopped");
    std::vector<GenerateRequest> requests;
    for (std::size_t i = from; i < std::min(questions.size(), from + kChunk); ++i) {
      requests.push_back({questions[i].prompt.ids, derive_seed(context.seed(), {"item", questions[i].item.id})});
    }
    for (Completion& answer : context.generator().generate(requests, sampling)) {
      // A model that draws single bytes may end in the middle of a character; rules and record need valid UTF-8.
      answer.text = instruction_following::encode(instruction_following::decode(answer.text));
      answers.push_back(std::move(answer));
    }
    context.progress().update(static_cast<std::int64_t>(answers.size()), "");
  }
  context.progress().end();
  if (answers.size() != questions.size()) {
    throw PluginError("the generator gave " + std::to_string(answers.size()) + " answers to " +
                      std::to_string(questions.size()) + " requests");
  }
  return answers;
}

ExampleRow row_of(const Question& question, const Completion& answer) {
  const std::string& reference = question.item.reference;
  return {question.item.id,
          sha256_hex(question.prompt.text),
          question.prompt.text,
          answer.text,
          reference.empty() ? question.item.attributes_json : reference,
          {},
          question.item.cluster};
}

std::string response_of(const json& row) {
  const auto response = row.find("response");
  if (response == row.end() || !response->is_string()) {
    throw DataError("field 'response' is missing or no text; give the answer to judge");
  }
  return response->get<std::string>();
}

json verdict_of(const json& row) {
  json verdict = json::object();
  for (const char* name : {"id", "key", "item_id"}) {
    if (const auto id = row.find(name); id != row.end() && !id->is_null()) verdict["item_id"] = *id;
  }
  if (const auto prompt = row.find("prompt"); prompt != row.end()) verdict["prompt"] = *prompt;
  return verdict;
}

std::vector<Message> prompt_of(const json& row) {
  auto prompt = row.find("prompt");
  if (prompt == row.end()) prompt = row.find("messages");
  if (prompt == row.end()) throw DataError("field 'prompt' is missing; give the request that the response answers");
  if (prompt->is_string()) return {{"user", prompt->get<std::string>()}};
  std::vector<Message> messages;
  if (prompt->is_array()) {
    for (const auto& turn : *prompt) {
      if (!turn.is_object() || !turn.contains("role") || !turn.contains("content") || !turn["role"].is_string() ||
          !turn["content"].is_string()) {
        throw DataError("field 'prompt' has the turn " + turn.dump() + ", must have the texts role and content");
      }
      messages.push_back({turn["role"], turn["content"]});
    }
  }
  if (messages.empty()) throw DataError("field 'prompt' is " + prompt->dump() + ", must be a text or a list of turns");
  return messages;
}

}  // namespace temper::evaluators
