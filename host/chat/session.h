// A conversation with one of several models: keeps the messages, understands the slash commands, and asks whoever it was
// given to answer. It knows nothing of terminals, files or tensors, so that tests can talk to it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "temper/dataset.h"
#include "temper/generate.h"

namespace temper {

struct ChatOutput {
  std::function<void(const std::string& part)> print;  ///< pieces of an answer, and whole lines
  int width = 80;
};

class ChatSession {
 public:
  /// Answers as the named model, handing over text as it comes; returns all of it. May throw temper's errors.
  using Answerer = std::function<std::string(const std::string& model, const std::vector<Message>& messages,
                                             const SamplingParams& sampling,
                                             const std::function<void(const std::string& part)>& on_part)>;

  /// `models` are the names that may be switched to; the last is the first to speak.
  ChatSession(std::vector<std::string> models, SamplingParams sampling, std::string system, Answerer answerer,
              ChatOutput output);
  /// One line from the person: a slash command or something to answer. False when the session is over.
  bool handle(const std::string& line);
  const std::string& model() const { return model_; }
  const std::vector<Message>& messages() const { return messages_; }

 private:
  std::vector<Message> with_system(const std::vector<Message>& messages) const;
  /// Messages that end with a question; they and the answer become the conversation once there is one.
  void ask(std::vector<Message> messages);
  void command(const std::string& name, const std::string& rest);
  void compare(const std::string& rest);
  void set(const std::string& rest);
  void save(const std::string& file) const;
  const std::string& find_model(const std::string& name) const;
  void line(const std::string& text) const { output_.print(text + "\n"); }

  std::vector<std::string> models_;
  std::string model_, system_;
  SamplingParams sampling_;
  Answerer answerer_;
  ChatOutput output_;
  std::vector<Message> messages_;
};

}  // namespace temper
