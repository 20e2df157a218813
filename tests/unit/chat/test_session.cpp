// A conversation without a model: what the answerer is asked, what commands change, and that errors lose nothing.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "host/chat/session.h"
#include "temper/error.h"

using namespace temper;

namespace {

struct Asked {
  std::string model;
  std::vector<Message> messages;
  SamplingParams sampling;
};

/// A session with the models first and second, that answers "answer N" and keeps what it was asked and what it showed.
struct Talk {
  std::vector<Asked> asked;
  std::string shown;
  bool fails = false;
  ChatSession session{{"first", "second"},
                      {},
                      "",
                      [this](const std::string& model, const std::vector<Message>& messages, const SamplingParams& sampling,
                             const std::function<void(const std::string&)>& on_part) {
                        if (fails) throw DataError("no answer today");
                        asked.push_back({model, messages, sampling});
                        const std::string answer = "answer " + std::to_string(asked.size());
                        on_part(answer);
                        return answer;
                      },
                      {[this](const std::string& part) { shown += part; }, 80}};

  /// What is shown for one line.
  std::string say(const std::string& line) {
    shown.clear();
    CHECK(session.handle(line));
    return shown;
  }
};

std::string roles(const std::vector<Message>& messages) {
  std::string text;
  for (const auto& message : messages) text += message.role.substr(0, 1);
  return text;
}

}  // namespace

TEST_CASE("the whole conversation is asked, by the last of the models first") {
  Talk talk;
  CHECK(talk.say("hello") == "answer 1\n");
  talk.say("  and now?  ");
  REQUIRE(talk.asked.size() == 2);
  CHECK(talk.asked[1].model == "second");
  CHECK(roles(talk.asked[1].messages) == "uau");
  CHECK(talk.asked[1].messages[1].content == "answer 1");
  CHECK(talk.asked[1].messages[2].content == "  and now?  ");  // as written
  CHECK(talk.say("   ").empty());
  CHECK(talk.asked.size() == 2);
}

TEST_CASE("models are switched within the conversation, and compared on its last question") {
  Talk talk;
  talk.say("hello");
  CHECK(talk.say("/model first") == "now speaking: first\n");
  CHECK(talk.say("/models") == "* first\n  second\n");
  talk.say("again");
  CHECK(talk.asked[1].model == "first");
  CHECK(roles(talk.asked[1].messages) == "uau");
  const std::string both = talk.say("/compare");
  CHECK(both.find("answer 3") != std::string::npos);
  CHECK(both.find("answer 4") != std::string::npos);
  CHECK(talk.asked[2].model == "first");
  CHECK(talk.asked[3].model == "second");
  CHECK(roles(talk.asked[3].messages) == "uau");
  CHECK(roles(talk.session.messages()) == "uaua");
  CHECK(talk.say("/model fist").find("did you mean 'first'?") != std::string::npos);
  CHECK(talk.session.model() == "first");
}

TEST_CASE("system message, settings, retry and reset") {
  Talk talk;
  CHECK(talk.say("/system Be brief.") == "system message set\n");
  CHECK(talk.say("/set temperature=0.5") == "temperature=0.5\n");
  CHECK(talk.say("/set stop=###") == "stop=###\n");
  talk.say("hello");
  CHECK(roles(talk.asked[0].messages) == "su");
  CHECK(talk.asked[0].sampling.temperature == 0.5);
  CHECK(talk.asked[0].sampling.stop == std::vector<std::string>{"###"});
  CHECK(talk.say("/set").find("temperature=0.5\n") != std::string::npos);
  CHECK(talk.say("/set temperature=warm").substr(0, 2) == "! ");
  CHECK(talk.say("/set temperatur=1").find("temperature") != std::string::npos);
  talk.say("/retry");
  CHECK(roles(talk.asked[1].messages) == "su");
  CHECK(roles(talk.session.messages()) == "ua");
  CHECK(talk.say("/system") == "no system message\n");
  talk.say("/reset");
  CHECK(talk.session.messages().empty());
  CHECK(talk.say("/retry").find("no question") != std::string::npos);
  CHECK(talk.say("/compare").find("no question") != std::string::npos);
}

TEST_CASE("an answer that fails takes its question back, and the session goes on") {
  Talk talk;
  talk.say("hello");
  talk.fails = true;
  CHECK(talk.say("what?") == "! no answer today\n");
  CHECK(roles(talk.session.messages()) == "ua");
  talk.fails = false;
  talk.say("what?");
  CHECK(roles(talk.asked.back().messages) == "uau");
}

TEST_CASE("a retry that fails keeps the question and its answer") {
  Talk talk;
  talk.say("hello");
  talk.fails = true;
  CHECK(talk.say("/retry") == "! no answer today\n");
  CHECK(roles(talk.session.messages()) == "ua");
  talk.fails = false;
  talk.say("/retry");
  CHECK(roles(talk.asked.back().messages) == "u");
  CHECK(talk.asked.back().messages.front().content == "hello");
}

TEST_CASE("a conversation is saved as one line of chat messages") {
  Talk talk;
  talk.say("/system S");
  talk.say("한국어?");
  const auto file = std::filesystem::temp_directory_path() / "temper_test_chat.jsonl";
  CHECK(talk.say("/save " + file.string()) == "wrote " + file.string() + "\n");
  std::ifstream in(file);
  const auto row = nlohmann::json::parse(in);
  REQUIRE(row.at("messages").size() == 3);
  CHECK(row.at("messages")[1].at("content") == "한국어?");
  CHECK(row.at("messages")[2].at("role") == "assistant");
  std::filesystem::remove(file);
  CHECK(talk.say("/save").find("needs a file name") != std::string::npos);
}

TEST_CASE("commands are listed, unknown ones guessed, and /quit ends") {
  Talk talk;
  for (const char* command : {"/models", "/model", "/compare", "/retry", "/system", "/set", "/reset", "/save", "/quit"}) {
    CHECK(talk.say("/help").find(command) != std::string::npos);
  }
  CHECK(talk.say("/sytem x").find("did you mean '/system'?") != std::string::npos);
  CHECK(talk.asked.empty());
  CHECK_FALSE(talk.session.handle(" /quit "));
  CHECK_FALSE(talk.session.handle("/exit"));
}
