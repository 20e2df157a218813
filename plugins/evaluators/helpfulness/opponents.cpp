// The other side and the judge (see opponents.h).
#include "opponents.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "temper/hash.h"
#include "temper/random.h"
#include "temper/template.h"
#include "unicode.h"

namespace temper::helpfulness {
namespace fs = std::filesystem;

using evaluators::Question;
using nlohmann::json;

namespace {

/// Items that are handed over at once.
constexpr std::size_t kChunk = 64;

std::string last_user_text(const std::vector<Message>& messages) {
  return messages.empty() ? std::string() : messages.back().content;
}

std::string text_field(const json& row, const char* name) {
  const auto value = row.find(name);
  if (value == row.end() || value->is_null()) return "";
  return value->is_string() ? value->get<std::string>() : value->dump();
}

/// What a row of answers is found by: its id, or the prompt's text.
struct AnswerFile {
  std::map<std::string, std::vector<std::string>> by_id, by_prompt;
};

AnswerFile read_answers(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw DataError("against: cannot read '" + path + "'; check that it exists and may be read");
  AnswerFile answers;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string place = path + ":" + std::to_string(number);
    try {
      const json row = evaluators::parse_object(line, "the row");
      const std::string response = evaluators::response_of(row);
      std::string id;
      for (const char* name : {"item_id", "key", "id"}) {
        if (id.empty()) id = text_field(row, name);
      }
      const std::string prompt = text_field(row, "prompt");
      if (id.empty() && prompt.empty()) throw DataError("has neither item_id (or key, id) nor prompt; give one of them");
      if (!id.empty()) answers.by_id[id].push_back(response);
      if (id.empty()) answers.by_prompt[prompt].push_back(response);
    } catch (const DataError& error) {
      throw DataError(place + ": " + error.what());
    }
  }
  return answers;
}

void name_some(std::string& text, const std::string& what, const std::vector<std::string>& names) {
  if (names.empty()) return;
  text += (text.empty() ? "" : "; ") + std::to_string(names.size()) + " " + what + " (";
  for (std::size_t i = 0; i < std::min<std::size_t>(3, names.size()); ++i) text += (i > 0 ? ", " : "") + names[i];
  text += names.size() > 3 ? ", ...)" : ")";
}

std::vector<std::string> answers_of_file(const std::string& path, const std::vector<Question>& questions) {
  const AnswerFile file = read_answers(path);
  std::vector<std::string> answers, missing, repeated;
  for (const auto& question : questions) {
    const auto by_id = file.by_id.find(question.item.id);
    const auto by_prompt = file.by_prompt.find(last_user_text(question.item.prompt));
    const std::vector<std::string>* found = nullptr;
    if (by_id != file.by_id.end()) found = &by_id->second;
    if (found == nullptr && by_prompt != file.by_prompt.end()) found = &by_prompt->second;
    if (found == nullptr) {
      missing.push_back(question.item.id);
    } else if (found->size() > 1) {
      repeated.push_back(question.item.id);
    } else {
      answers.push_back(found->front());
    }
  }
  std::string fault;
  name_some(fault, "items have no answer", missing);
  name_some(fault, "items have several answers", repeated);
  if (!fault.empty()) {
    throw DataError("against: '" + path + "' does not answer the items one to one: " + fault +
                    "; a win rate over other items would be of no use");
  }
  return answers;
}

std::vector<std::string> answers_of_reference(const std::vector<Question>& questions) {
  std::vector<std::string> answers, missing;
  for (const auto& question : questions) {
    answers.push_back(question.item.reference);
    if (question.item.reference.empty()) missing.push_back(question.item.id);
  }
  std::string fault;
  name_some(fault, "items have none", missing);
  if (!fault.empty()) throw DataError("against: reference needs a reference answer for each item; " + fault);
  return answers;
}

std::vector<std::string> answers_of_model(EvalContext& context, const std::string& reference,
                                          const std::vector<Question>& questions, const SamplingParams& sampling) {
  LentModel& lent = context.models().model(reference);
  std::vector<std::string> answers;
  context.progress().begin("answers of " + reference, static_cast<std::int64_t>(questions.size()));
  for (std::size_t from = 0; from < questions.size(); from += kChunk) {
    if (context.cancelled()) throw Cancelled("evaluator helpfulness was stopped");
    std::vector<GenerateRequest> requests;
    for (std::size_t i = from; i < std::min(questions.size(), from + kChunk); ++i) {
      // Its own template, and the same stream as our side has for this item.
      const RenderedPrompt prompt = render_prompt(lent.prompt_template, questions[i].item.prompt, lent.tokenizer);
      requests.push_back({prompt.ids, derive_seed(context.seed(), {"item", questions[i].item.id})});
    }
    for (const Completion& answer : lent.generator.generate(requests, sampling)) {
      answers.push_back(instruction_following::encode(instruction_following::decode(answer.text)));
    }
    context.progress().update(static_cast<std::int64_t>(answers.size()), "");
  }
  context.progress().end();
  return answers;
}

std::string question_of(const Pair& pair, const std::string& a, const std::string& b) {
  std::string text = "Below are a request and two answers to it, A and B. Which answer is better?\n\n";
  for (const auto& message : pair.prompt)
    text += (message.role == "user" ? "Request: " : "Answer before: ") + message.content + "\n";
  return text + "\nAnswer A: " + a + "\n\nAnswer B: " + b + "\n\nReply with one letter, A or B.";
}

/// Of each text p(A) / (p(A) + p(B)) as the next word of the judge.
std::vector<double> chances_of_a(LentModel& judge, const std::vector<std::string>& texts) {
  std::vector<ScoreRequest> requests;
  for (const auto& text : texts) {
    const RenderedPrompt prompt = render_prompt(judge.prompt_template, {{"user", text}}, judge.tokenizer);
    for (const char* letter : {"A", "B"}) requests.push_back({prompt.ids, judge.tokenizer.encode(letter)});
  }
  const auto scores = judge.scorer.score(requests);
  std::vector<double> chances;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    chances.push_back(1 / (1 + std::exp(scores[2 * i + 1].sum - scores[2 * i].sum)));
  }
  return chances;
}

}  // namespace

std::vector<std::string> opponent_answers(EvalContext& context, const std::string& against, const std::string& base_dir,
                                          const std::vector<Question>& questions, const SamplingParams& sampling) {
  if (against == "reference") return answers_of_reference(questions);
  if (against.size() > 6 && against.compare(against.size() - 6, 6, ".jsonl") == 0) {
    return answers_of_file((fs::path(base_dir) / against).lexically_normal().string(), questions);
  }
  return answers_of_model(context, against, questions, sampling);
}

std::vector<Preference> compare_by_reward(const std::vector<double>& ours, const std::vector<double>& theirs) {
  std::vector<Preference> preferences;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    preferences.push_back({ours[i] > theirs[i] ? 1.0 : ours[i] < theirs[i] ? 0.0 : 0.5, false});
  }
  return preferences;
}

std::vector<Preference> compare_by_asking(LentModel& judge, const std::vector<Pair>& pairs, EvalContext& context) {
  std::vector<Preference> preferences;
  context.progress().begin("judging pairs", static_cast<std::int64_t>(pairs.size()));
  for (std::size_t from = 0; from < pairs.size(); from += kChunk) {
    if (context.cancelled()) throw Cancelled("evaluator helpfulness was stopped");
    std::vector<std::string> texts;
    for (std::size_t i = from; i < std::min(pairs.size(), from + kChunk); ++i) {
      texts.push_back(question_of(pairs[i], pairs[i].ours, pairs[i].theirs));
      texts.push_back(question_of(pairs[i], pairs[i].theirs, pairs[i].ours));
    }
    const auto chances = chances_of_a(judge, texts);
    for (std::size_t i = 0; i < chances.size(); i += 2) {
      const double first = chances[i], second = 1 - chances[i + 1];
      preferences.push_back({(first + second) / 2, (first > 0.5) != (second > 0.5)});
    }
    context.progress().update(static_cast<std::int64_t>(preferences.size()), "");
  }
  context.progress().end();
  return preferences;
}

}  // namespace temper::helpfulness
