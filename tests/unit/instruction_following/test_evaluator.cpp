// The evaluator on a scripted generator: metrics, rows, selection of items, seeds; and the judge's rows.
#include <map>
#include <nlohmann/json.hpp>

#include "byte_tokenizer.h"
#include "catch.h"
#include "evaluator.h"
#include "silent_progress.h"
#include "temper/hash.h"

using namespace temper;
using instruction_following::InstructionFollowing;
using instruction_following::Params;
using nlohmann::json;

namespace {

/// Answers a prompt that contains a key with the key's answer.
class ScriptedGenerator final : public Generator {
 public:
  std::map<std::string, std::string> answers;
  std::vector<std::uint64_t> seeds;
  SamplingParams sampling;
  std::vector<Completion> generate(const std::vector<GenerateRequest>& requests, const SamplingParams& params) override {
    sampling = params;
    std::vector<Completion> out;
    for (const auto& request : requests) {
      seeds.push_back(request.seed);
      const std::string prompt = test::ByteTokenizer().decode(request.prompt_ids);
      Completion completion;
      for (const auto& [key, answer] : answers) {
        if (prompt.find(key) != std::string::npos) completion.text = answer;
      }
      completion.ids = test::ByteTokenizer().encode(completion.text);
      completion.finished = !completion.text.empty();
      out.push_back(std::move(completion));
    }
    return out;
  }
};

class FakeContext final : public EvalContext {
 public:
  std::vector<EvalItem> rows;
  ScriptedGenerator scripted;
  bool stop = false;
  std::uint64_t seed() const override { return 7; }
  c10::Device device() const override { return c10::Device(c10::DeviceType::CPU); }
  Architecture& model() override { throw PluginError("not used"); }
  const Tokenizer& tokenizer() const override { return tokenizer_; }
  const std::string& prompt_template() const override { return template_; }
  Generator& generator() override { return scripted; }
  Scorer& scorer() override { throw PluginError("not used"); }
  std::vector<Document> validation_documents(const std::vector<std::string>&, std::int64_t) override { return {}; }
  std::vector<Document> training_documents(const std::vector<std::string>&, std::int64_t) override { return {}; }
  std::vector<EvalItem> items(const std::vector<std::string>&, std::int64_t) override { return rows; }
  std::vector<PreferencePair> preferences(const std::vector<std::string>&, std::int64_t) override { return {}; }
  Architecture& frozen_model(const std::string&) override { return model(); }
  StateDict kept(const std::string&) override { return {}; }
  ModelLender& models() override { throw PluginError("this context lends no models from outside"); }
  Progress& progress() override { return progress_; }
  bool cancelled() const override { return stop; }

  void add(const std::string& id, const std::string& prompt, const json& attributes) {
    EvalItem item;
    item.id = id;
    item.prompt = {{"user", prompt}};
    item.attributes_json = attributes.is_null() ? "" : attributes.dump();
    item.source = "items.jsonl:" + std::to_string(rows.size() + 1);
    rows.push_back(std::move(item));
  }

 private:
  test::ByteTokenizer tokenizer_{258, {257}, 256, 256};
  std::string template_ = "instruction";
  test::SilentProgress progress_;
};

const json kNoComma = {{"instruction_id_list", {"punctuation:no_comma"}}, {"kwargs", {json::object()}}};
const json kTwo = {{"instruction_id_list", {"punctuation:no_comma", "startend:quotation"}},
                   {"kwargs", {json::object(), json::object()}}};

double metric(const EvalResult& result, const std::string& name) {
  for (const auto& value : result.metrics) {
    if (value.spec.name == name) return value.value;
  }
  FAIL("no metric " << name);
  return 0;
}

}  // namespace

TEST_CASE("metrics and rows of two prompts, P-IFEVAL-07") {
  FakeContext context;
  context.add("a", "first prompt", kTwo);
  context.add("x", "no instructions", json{{"other", 1}});
  context.add("y", "no attributes", nullptr);
  context.add("b", "second prompt", kNoComma);
  context.scripted.answers = {{"first", "no mark but no quotes"}, {"second", "fine"}};
  const EvalResult result = InstructionFollowing(Params{}).evaluate(context);
  CHECK(metric(result, "prompt_strict") == 0.5);
  CHECK(metric(result, "prompt_loose") == 0.5);
  CHECK(metric(result, "instruction_strict") == Approx(2.0 / 3));
  CHECK(metric(result, "instruction_loose") == Approx(2.0 / 3));
  CHECK(metric(result, "family_punctuation_strict") == 1.0);
  CHECK(metric(result, "family_startend_strict") == 0.0);
  CHECK(metric(result, "response_tokens") == Approx((21 + 4) / 2.0));
  CHECK(metric(result, "finished") == 1.0);
  REQUIRE(result.examples.size() == 2);
  const ExampleRow& row = result.examples[0];
  CHECK(row.item_id == "a");
  CHECK(row.prompt_sha == sha256_hex(row.prompt));
  CHECK_THAT(row.prompt, ContainsSubstring("first prompt"));
  CHECK(row.response == "no mark but no quotes");
  // Families count every prompt, so that each row has all columns; "first prompt" has two instructions, one a family.
  CHECK(result.score_names == std::vector<std::string>{"prompt_strict", "prompt_loose", "response_tokens", "finished",
                                                       "instruction_strict.num", "instruction_strict.den",
                                                       "instruction_loose.num", "instruction_loose.den",
                                                       "family_punctuation_strict.num", "family_punctuation_strict.den",
                                                       "family_startend_strict.num", "family_startend_strict.den"});
  CHECK(row.scores == std::vector<double>{0, 0, 21, 1, 1, 2, 1, 2, 1, 1, 0, 1});
  CHECK(result.examples[1].scores == std::vector<double>{1, 1, 4, 1, 1, 1, 1, 1, 1, 1, 0, 0});
}

TEST_CASE("sampling is greedy, limited, and seeded by the item alone") {
  FakeContext all, last;
  all.add("a", "first prompt", kNoComma);
  all.add("b", "second prompt", kNoComma);
  last.add("b", "second prompt", kNoComma);
  Params params;
  params.sampling.max_new_tokens = 9;
  InstructionFollowing(params).evaluate(all);
  InstructionFollowing(params).evaluate(last);
  CHECK(all.scripted.sampling.max_new_tokens == 9);
  CHECK(all.scripted.sampling.temperature == 0);
  CHECK(all.scripted.seeds.at(1) == last.scripted.seeds.at(0));
  CHECK(all.scripted.seeds.at(0) != all.scripted.seeds.at(1));
}

TEST_CASE("limit counts items with instructions") {
  FakeContext context;
  context.add("x", "no attributes", nullptr);
  for (int i = 0; i < 70; ++i) context.add(std::to_string(i), "prompt", kNoComma);
  CHECK(InstructionFollowing(Params{}).evaluate(context).examples.size() == 70);
  Params params;
  params.limit = 2;
  const auto result = InstructionFollowing(params).evaluate(context);
  REQUIRE(result.examples.size() == 2);
  CHECK(result.examples[1].item_id == "1");
}

TEST_CASE("no items, bad items and cancelling end the evaluation") {
  FakeContext context;
  context.add("x", "no attributes", nullptr);
  CHECK_THROWS_AS(InstructionFollowing(Params{}).evaluate(context), DataError);
  context.add("a", "prompt", {{"instruction_id_list", {"foo:bar"}}, {"kwargs", {json::object()}}});
  CHECK_THROWS_WITH(InstructionFollowing(Params{}).evaluate(context),
                    ContainsSubstring("foo:bar") && ContainsSubstring("items.jsonl:2") && ContainsSubstring("'a'"));
  context.rows = {};
  context.add("a", "prompt", kNoComma);
  context.stop = true;
  CHECK_THROWS_AS(InstructionFollowing(Params{}).evaluate(context), Cancelled);
}

TEST_CASE("the judge gives IFEval's verdict fields, strict and loose") {
  InstructionFollowing evaluator{Params{}};
  TextJudge& judge = evaluator;
  json row = kTwo;
  row["key"] = 1000;
  row["prompt"] = "Quote it.";
  row["response"] = "Sure:\n\"all of it\"";
  const json verdict = json::parse(judge.judge(row.dump()));
  CHECK(verdict.at("item_id") == 1000);
  CHECK(verdict.at("follow_instruction_list") == json({true, false}));
  CHECK(verdict.at("follow_all_instructions") == false);
  CHECK(verdict.at("follow_instruction_list_loose") == json({true, true}));
  CHECK(verdict.at("follow_all_instructions_loose") == true);
  CHECK(judge.judge(row.dump()) == judge.judge(row.dump()));
}

TEST_CASE("the judge says which field is missing or wrong") {
  InstructionFollowing judge{Params{}};
  CHECK_THROWS_WITH(judge.judge(kTwo.dump()), ContainsSubstring("'response'"));
  CHECK_THROWS_WITH(judge.judge(R"({"response": "a"})"), ContainsSubstring("'instruction_id_list'"));
  CHECK_THROWS_WITH(judge.judge("{"), ContainsSubstring("not valid JSON"));
  CHECK_THROWS_AS(judge.judge("[1]"), DataError);
}

TEST_CASE("an answer that ends inside a character is judged, not refused") {
  FakeContext context;
  context.add("a", "first prompt", kNoComma);
  context.scripted.answers = {{"first", "Hi \xea\xb0"}};
  const EvalResult result = InstructionFollowing(Params{}).evaluate(context);
  CHECK(result.examples.at(0).response.find("\xef\xbf\xbd") == 3);
}
