// Prompt templates: the loss is on answers and their EOS only, BOS stands once, prompts in training and generation agree.
#include <algorithm>

#include "catch.h"
#include "temper/template.h"

using namespace temper;

namespace {

/// One id a byte, after the special ids.
struct ByteTokenizer final : Tokenizer {
  bool needs_training() const override { return false; }
  std::string train(const TextSource&) override { return ""; }
  void load(const std::string&) override {}
  std::string model_bytes() const override { return ""; }
  std::string model_file_name() const override { return "none"; }
  std::vector<std::int32_t> encode(std::string_view text) const override {
    std::vector<std::int32_t> ids;
    for (const char c : text) ids.push_back(3 + static_cast<unsigned char>(c));
    return ids;
  }
  std::string decode(const std::vector<std::int32_t>& ids) const override {
    std::string text;
    for (const auto id : ids) {
      if (id >= 3) text += static_cast<char>(id - 3);
    }
    return text;
  }
  std::string piece(std::int32_t id) const override { return decode({id}); }
  std::int64_t vocab_size() const override { return 259; }
  std::int32_t bos_id() const override { return 1; }
  std::int32_t pad_id() const override { return 0; }
  std::vector<std::int32_t> eos_ids() const override { return {2}; }
};

std::string targets(const Example& example, const Tokenizer& tokenizer) {
  std::vector<std::int32_t> ids;
  for (const auto label : example.labels) {
    if (label != kIgnoreLabel) ids.push_back(static_cast<std::int32_t>(label));
  }
  std::string text = tokenizer.decode(ids);
  for (const auto id : ids) {
    if (id == 2) text += "<eos>";
  }
  return text;
}

}  // namespace

TEST_CASE("the loss covers the answer and its EOS, and starts at the answer's first token") {
  const ByteTokenizer tokenizer;
  for (const std::string name : {"instruction", "chat", "plain"}) {
    const Example example = render_training(name, {{"user", "Say hi."}, {"assistant", "hi"}}, tokenizer);
    CHECK(targets(example, tokenizer) == "hi<eos>");
    const auto prompt = render_prompt(name, {{"user", "Say hi."}}, tokenizer);
    REQUIRE(prompt.ids.size() + 2 == example.ids.size());
    for (std::size_t i = 0; i < prompt.ids.size(); ++i) CHECK(prompt.ids[i] == example.ids[i]);
    // The last prompt position predicts the answer's first token.
    CHECK(example.labels[prompt.ids.size() - 1] == tokenizer.encode("h")[0]);
  }
}

TEST_CASE("all assistant turns of a dialogue are learnt") {
  const ByteTokenizer tokenizer;
  const Example example = render_training(
      "chat", {{"system", "Be brief."}, {"user", "a"}, {"assistant", "b"}, {"user", "c"}, {"assistant", "d"}}, tokenizer);
  CHECK(targets(example, tokenizer) == "bd<eos><eos>");
}

TEST_CASE("P-LOSS-13 BOS stands exactly once") {
  const ByteTokenizer tokenizer;
  const auto prompt = render_prompt("instruction", {{"user", "x"}}, tokenizer);
  CHECK(std::count(prompt.ids.begin(), prompt.ids.end(), 1) == 1);
  CHECK(prompt.ids.front() == 1);
}

TEST_CASE("wrong templates, roles and orders are refused") {
  const ByteTokenizer tokenizer;
  CHECK_THROWS_WITH(render_prompt("nope", {{"user", "x"}}, tokenizer),
                    ContainsSubstring("there are: instruction, chat, plain"));
  CHECK_THROWS_AS(render_prompt("chat", {{"robot", "x"}, {"user", "y"}}, tokenizer), DataError);
  CHECK_THROWS_AS(render_prompt("chat", {{"assistant", "x"}}, tokenizer), DataError);
  CHECK_THROWS_AS(render_training("chat", {{"user", "x"}}, tokenizer), DataError);
}

namespace {

/// Like ByteTokenizer, with special tokens above the bytes.
struct SpecialTokenizer final : Tokenizer {
  std::vector<std::string> special = {"<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>",
                                      "<|eot_id|>"};
  std::string system;
  ByteTokenizer bytes;
  bool needs_training() const override { return false; }
  std::string train(const TextSource&) override { return ""; }
  void load(const std::string&) override {}
  std::string model_bytes() const override { return ""; }
  std::string model_file_name() const override { return "none"; }
  std::vector<std::int32_t> encode(std::string_view text) const override { return bytes.encode(text); }
  std::string decode(const std::vector<std::int32_t>& ids) const override { return bytes.decode(ids); }
  std::string piece(std::int32_t id) const override {
    return id < 259 ? bytes.piece(id) : special[static_cast<std::size_t>(id - 259)];
  }
  std::int64_t vocab_size() const override { return 259 + static_cast<std::int64_t>(special.size()); }
  std::int32_t bos_id() const override { return 1; }
  std::int32_t pad_id() const override { return 0; }
  std::vector<std::int32_t> eos_ids() const override { return {2}; }
  std::string default_system_prompt() const override { return system; }

  /// Ids of a text in which special tokens are spelled out.
  std::vector<std::int32_t> spelled(std::string text) const {
    std::vector<std::int32_t> ids;
    while (!text.empty()) {
      std::size_t used = 1;
      for (std::size_t i = 0; i < special.size(); ++i) {
        if (!text.starts_with(special[i])) continue;
        ids.push_back(259 + static_cast<std::int32_t>(i));
        used = special[i].size();
      }
      if (used == 1) ids.push_back(3 + static_cast<unsigned char>(text[0]));
      text.erase(0, used);
    }
    return ids;
  }
};

}  // namespace

TEST_CASE("chatml is written as its models know it, without BOS, and with the tokenizer's system prompt (P-EVAL-13)") {
  SpecialTokenizer tokenizer;
  const std::string plain = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n";
  CHECK(render_prompt("chatml", {{"user", "Hi"}}, tokenizer).ids == tokenizer.spelled(plain));
  tokenizer.system = "Be kind.";
  const std::string system = "<|im_start|>system\nBe kind.<|im_end|>\n";
  const auto prompt = render_prompt("chatml", {{"user", "Hi"}}, tokenizer);
  CHECK(prompt.text == system + plain);
  CHECK(prompt.ids == tokenizer.spelled(system + plain));
  const auto own = render_prompt("chatml", {{"system", "S"}, {"user", "Hi"}}, tokenizer);
  CHECK(own.text == "<|im_start|>system\nS<|im_end|>\n" + plain);
}

TEST_CASE("llama3 has BOS once, headers as tokens, and contents without space around them (P-LOSS-13)") {
  const SpecialTokenizer tokenizer;
  const auto prompt = render_prompt("llama3", {{"user", "  Hi \n"}}, tokenizer);
  CHECK(prompt.text ==
        "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n");
  auto expected = tokenizer.spelled(prompt.text);
  expected.insert(expected.begin(), 1);
  CHECK(prompt.ids == expected);
}

TEST_CASE("nobody can write a special token into a conversation") {
  const SpecialTokenizer tokenizer;
  const auto prompt = render_prompt("chatml", {{"user", "<|im_end|>"}}, tokenizer);
  CHECK(std::count(prompt.ids.begin(), prompt.ids.end(), tokenizer.find_piece("<|im_end|>")) == 1);
}

TEST_CASE("an answer ends with the template's own token, and the loss is on answer and end alone (P-LOSS-04)") {
  const SpecialTokenizer tokenizer;
  const std::vector<Message> turns = {{"user", "a"}, {"assistant", "bc"}, {"user", "d"}, {"assistant", "e"}};
  const Example example = render_training("chatml", turns, tokenizer);
  const auto end = tokenizer.find_piece("<|im_end|>");
  std::vector<std::int64_t> targets;
  for (const auto label : example.labels) {
    if (label != kIgnoreLabel) targets.push_back(label);
  }
  CHECK(targets == std::vector<std::int64_t>{3 + 'b', 3 + 'c', end, 3 + 'e', end});
  const auto prompt = render_prompt("chatml", {{"user", "a"}}, tokenizer);
  CHECK(example.prefix == static_cast<std::int64_t>(prompt.ids.size()));
  CHECK(std::equal(prompt.ids.begin(), prompt.ids.end(), example.ids.begin()));
}

TEST_CASE("a template whose tokens the vocabulary lacks is refused by name") {
  try {
    render_prompt("chatml", {{"user", "a"}}, ByteTokenizer());
    FAIL("accepted");
  } catch (const ConfigError& error) {
    CHECK(std::string(error.what()).find("<|im_start|>") != std::string::npos);
  }
}

TEST_CASE("an encoder-decoder gets the conversation as source, ended by EOS once (P-T5-08, P-T5-09)") {
  const ByteTokenizer tokenizer;
  ArchitectureTraits traits;
  traits.encoder_decoder = true;
  const std::vector<Message> turns = {{"user", "a"}, {"assistant", "bc"}, {"user", "d"}, {"assistant", "e"}};
  const auto examples = training_examples("plain", turns, tokenizer, traits);
  REQUIRE(examples.size() == 2);
  CHECK(examples[0].source == std::vector<std::int64_t>{1, 3 + 'a', 3 + '\n', 2});
  CHECK(examples[0].ids == std::vector<std::int64_t>{0, 3 + 'b', 3 + 'c'});
  CHECK(examples[0].labels == std::vector<std::int64_t>{3 + 'b', 3 + 'c', 2});
  CHECK(std::count(examples[1].source.begin(), examples[1].source.end(), 2) >= 1);
  CHECK(examples[1].source.back() == 2);
  CHECK(examples[1].source[examples[1].source.size() - 2] != 2);
  CHECK(examples[1].labels == std::vector<std::int64_t>{3 + 'e', 2});
  traits.encoder_decoder = false;
  CHECK(training_examples("plain", turns, tokenizer, traits)[0].ids == render_training("plain", turns, tokenizer).ids);
}
