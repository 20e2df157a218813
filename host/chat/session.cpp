// Slash commands and turns (see session.h).
#include "host/chat/session.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "host/chat/columns.h"
#include "host/util/files.h"
#include "temper/error.h"
#include "temper/testing.h"

namespace temper {
namespace {

constexpr const char* kHelp =
    "/models              the models of this session; * speaks now\n"
    "/model NAME          let another one speak; the conversation stays\n"
    "/compare [NAME ...]  the last question answered by these models (all of them without names), side by side\n"
    "/retry               ask the last question again\n"
    "/system TEXT         set the system message; without a text, remove it\n"
    "/set NAME=VALUE      a sampling setting, such as temperature=0.7; without a value, show all\n"
    "/reset               forget the conversation\n"
    "/save FILE           write the conversation as one line of chat-messages JSON\n"
    "/quit                end (also Ctrl-D)\n"
    "A line ending in \\ goes on in the next. Ctrl-C stops an answer.";

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

ChatSession::ChatSession(std::vector<std::string> models, SamplingParams sampling, std::string system, Answerer answerer,
                         ChatOutput output)
    : models_(std::move(models)),
      model_(models_.back()),
      system_(std::move(system)),
      sampling_(std::move(sampling)),
      answerer_(std::move(answerer)),
      output_(std::move(output)) {}

std::vector<Message> ChatSession::with_system(const std::vector<Message>& messages) const {
  std::vector<Message> all;
  if (!system_.empty()) all.push_back({"system", system_});
  all.insert(all.end(), messages.begin(), messages.end());
  return all;
}

bool ChatSession::handle(const std::string& text) {
  const std::string given = trimmed(text);
  if (given.empty()) return true;
  if (given == "/quit" || given == "/exit") return false;
  try {
    if (given[0] == '/') {
      const auto space = given.find(' ');
      command(given.substr(0, space), space == std::string::npos ? "" : trimmed(given.substr(space)));
    } else {
      auto next = messages_;
      next.push_back({"user", text});
      ask(std::move(next));
    }
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& error) {
    // What went wrong is no reason to lose the conversation.
    line(std::string("! ") + error.what());
  }
  return true;
}

void ChatSession::ask(std::vector<Message> messages) {
  const std::string answer = answerer_(model_, with_system(messages), sampling_, output_.print);
  line("");
  messages.push_back({"assistant", answer});
  messages_ = std::move(messages);
}

const std::string& ChatSession::find_model(const std::string& name) const {
  const auto found = std::find(models_.begin(), models_.end(), name);
  if (found != models_.end()) return *found;
  const auto nearest = nearest_name(name, models_);
  throw ConfigError("there is no model '" + name + "' in this session" +
                    (nearest ? "; did you mean '" + *nearest + "'?" : "") + " There are: " + joined(models_));
}

void ChatSession::command(const std::string& name, const std::string& rest) {
  if (name == "/help") return line(kHelp);
  if (name == "/reset") return messages_.clear();
  if (name == "/set") return set(rest);
  if (name == "/compare") return compare(rest);
  if (name == "/save") return save(rest);
  if (name == "/system") {
    system_ = rest;
    return line(rest.empty() ? "no system message" : "system message set");
  }
  if (name == "/models") {
    for (const auto& one : models_) line((one == model_ ? "* " : "  ") + one);
    return;
  }
  if (name == "/model") {
    model_ = find_model(rest);
    return line("now speaking: " + model_);
  }
  if (name == "/retry") {
    if (messages_.empty()) throw ConfigError("there is no question to ask again yet");
    auto question = messages_;
    if (question.back().role == "assistant") question.pop_back();
    return ask(std::move(question));
  }
  const std::vector<std::string> known = {"/help",   "/reset",  "/set",   "/compare", "/save",
                                          "/system", "/models", "/model", "/retry",   "/quit"};
  const auto nearest = nearest_name(name, known);
  throw ConfigError("unknown command '" + name + "'" + (nearest ? "; did you mean '" + *nearest + "'?" : "") +
                    " /help lists them");
}

void ChatSession::compare(const std::string& rest) {
  std::vector<std::string> names;
  std::istringstream words(rest);
  for (std::string word; words >> word;) names.push_back(find_model(word));
  if (names.empty()) names = models_;
  auto question = with_system(messages_);
  if (!question.empty() && question.back().role == "assistant") question.pop_back();
  if (question.empty() || question.back().role != "user")
    throw ConfigError("there is no question to compare answers to yet");
  std::vector<Column> columns;
  for (const auto& name : names) columns.push_back({name, answerer_(name, question, sampling_, [](const std::string&) {})});
  output_.print(side_by_side(columns, output_.width));
}

void ChatSession::set(const std::string& rest) {
  const auto table = sampling_params();
  const auto specs = table.specs_of(sampling_);
  const auto equals = rest.find('=');
  if (equals == std::string::npos) {
    for (const auto& spec : specs) line(spec.name + "=" + to_text(spec.default_value));
    return;
  }
  const std::string name = trimmed(rest.substr(0, equals)), value = trimmed(rest.substr(equals + 1));
  if (name == "stop") {
    sampling_.stop = value.empty() ? std::vector<std::string>{} : std::vector<std::string>{value};
  } else {
    sampling_ = table.parse(values_from_text(specs, {{name, value}}));
  }
  line(name + "=" + value);
}

void ChatSession::save(const std::string& file) const {
  if (file.empty()) throw ConfigError("/save needs a file name");
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const auto& message : with_system(messages_)) all.push_back({{"role", message.role}, {"content", message.content}});
  const nlohmann::ordered_json row = {{"messages", all}};
  write_file_atomically(file, row.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  line("wrote " + file);
}

}  // namespace temper
