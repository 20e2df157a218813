// Whole conversations against transformers' apply_chat_template with the chat templates that Qwen2, Llama 3, Llama 3.1 and
// Zephyr publish (tests/reference/templates has texts, ids and the script): a tokenizer.json that carries the Jinja text has
// to lead to the same text and the same ids, prompts and training conversations alike.
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "temper/template.h"
#include "tokenizer.h"
#include "utf8.h"

using namespace temper;
using Json = nlohmann::json;

namespace {

/// One id a byte, then the family's special tokens, with its Jinja text in the file as an import leaves it there.
hf_bpe_plugin::HfBpeTokenizer tokenizer_of(const Json& family) {
  Json vocab = Json::object(), added = Json::array();
  for (std::size_t byte = 0; byte < 256; ++byte) {
    std::string symbol;
    hf_bpe_plugin::append_utf8(hf_bpe_plugin::byte_symbols()[byte], symbol);
    vocab[symbol] = byte;
  }
  Json ids = Json::object();
  for (const auto& token : family.at("special")) {
    ids[token.get<std::string>()] = 256 + added.size();
    added.push_back({{"id", 256 + added.size()}, {"content", token}, {"special", true}, {"normalized", false}});
  }
  const auto bos = family.at("bos").get<std::string>();
  const Json document = {{"added_tokens", added},
                         {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}},
                         {"decoder", {{"type", "ByteLevel"}}},
                         {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", Json::array()}}},
                         {"temper",
                          {{"eos_ids", {ids.at(family.at("eos").get<std::string>())}},
                           {"bos_id", bos.empty() ? Json(-1) : ids.at(bos)},
                           {"chat_template", family.at("jinja")}}}};
  hf_bpe_plugin::HfBpeTokenizer tokenizer({}, {});
  tokenizer.load(document.dump());
  return tokenizer;
}

std::vector<Message> messages_of(const Json& list) {
  std::vector<Message> messages;
  for (const auto& message : list) messages.push_back({message.at("role"), message.at("content")});
  return messages;
}

/// Behind the last answer temper ends with the end token, and Jinja texts with a line break that nothing follows.
std::vector<std::int64_t> without_last_break(std::vector<std::int64_t> ids) {
  if (ids.back() == '\n') ids.pop_back();
  return ids;
}

}  // namespace

TEST_CASE("conversations are written as transformers writes them (P-EVAL-13, P-LOSS-13)") {
  std::ifstream file(std::string(TEMPER_SOURCE_DIR) + "/tests/reference/templates/templates.json");
  std::size_t prompts = 0, trainings = 0;
  for (const auto& family : Json::parse(file)) {
    const auto tokenizer = tokenizer_of(family);
    const std::string name = family.at("template");
    REQUIRE(tokenizer.prompt_template() == name);
    for (const auto& entry : family.at("cases")) {
      const auto messages = messages_of(entry.at("messages"));
      const auto ids = entry.at("ids").get<std::vector<std::int64_t>>();
      INFO(family.at("family").get<std::string>() << ": " << entry.at("text").get<std::string>());
      if (messages.back().role == "user") {
        const auto prompt = render_prompt(name, messages, tokenizer);
        const bool has_bos = prompt.ids.front() == tokenizer.bos_id();
        CHECK((has_bos ? family.at("bos").get<std::string>() : "") + prompt.text == entry.at("text").get<std::string>());
        CHECK(std::vector<std::int64_t>(prompt.ids.begin(), prompt.ids.end()) == ids);
        ++prompts;
      } else {
        const Example example = render_training(name, messages, tokenizer);
        auto all = example.ids;
        all.push_back(example.labels.back());
        CHECK(all == without_last_break(ids));
        ++trainings;
      }
    }
  }
  CHECK(prompts == 24);
  CHECK(trainings == 8);
}
