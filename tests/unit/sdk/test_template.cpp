// Prompt templates: the loss is on answers and their EOS only, BOS stands once, prompts in training and generation agree.
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
  for (const auto& name : template_names()) {
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
