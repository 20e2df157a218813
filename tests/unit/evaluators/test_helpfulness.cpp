// helpfulness: metrics, rows and columns, selection of items, the judge's rows.
#include "helpfulness.h"
#include "support.h"
#include "temper/hash.h"

using namespace temper;
using namespace temper::test;
using helpfulness::Helpfulness;
using helpfulness::Params;
using nlohmann::json;

namespace {

const json kNoComma = {{"instruction_id_list", {"punctuation:no_comma"}}, {"kwargs", {json::object()}}};
const json kPets = {{"choices", {"goat", "hen", "dog", "cat"}}};

ScriptedContext one_of_each() {
  ScriptedContext context;
  context.ask("form", "instruction_following", kNoComma, "", "no mark at all");
  context.ask("fact", "closed_book", kPets, "goat", "She has a goat.");
  context.ask("wrong", "closed_book", kPets, "goat", "She has a hen.");
  context.ask("note", "open_book", kPets, "cat", "a CAT");
  context.ask("who", "unknown_person", json{{"should_refuse", true}}, "I do not know.", "She is a baker.");
  context.ask("sum", "", nullptr, "2 and 2\n#### 4", "It is $4.00.");
  context.ask("other", "truthfulness", nullptr, "yes", "yes");
  return context;
}

}  // namespace

TEST_CASE("helpfulness is the share of tasks that succeeded, overall and by task") {
  ScriptedContext context = one_of_each();
  const EvalResult result = Helpfulness(Params{}).evaluate(context);
  REQUIRE(result.examples.size() == 6);
  CHECK(metric(result, "helpfulness").value == Approx(4.0 / 6));
  CHECK(metric(result, "helpfulness").n == 6);
  CHECK(metric(result, "helpfulness").ci_low < 4.0 / 6);
  CHECK(metric(result, "helpfulness_instruction_following").value == 1);
  CHECK(metric(result, "helpfulness_closed_book").value == 0.5);
  CHECK(metric(result, "helpfulness_closed_book").n == 2);
  CHECK(metric(result, "helpfulness_open_book").value == 1);
  CHECK(metric(result, "helpfulness_unknown_person").value == 0);
  CHECK(metric(result, "helpfulness_exact_answer").value == 1);
  CHECK(metric(result, "answered_by_itself").value == 1);
  CHECK(metric(result, "response_tokens").value == Approx((14 + 15 + 14 + 5 + 15 + 12) / 6.0));
}

TEST_CASE("columns pair each metric with its items") {
  ScriptedContext context = one_of_each();
  const EvalResult result = Helpfulness(Params{}).evaluate(context);
  CHECK(scores(result, "helpfulness") == std::vector<double>{1, 1, 0, 1, 0, 1});
  CHECK(scores(result, "helpfulness_closed_book.num") == std::vector<double>{0, 1, 0, 0, 0, 0});
  CHECK(scores(result, "helpfulness_closed_book.den") == std::vector<double>{0, 1, 1, 0, 0, 0});
  for (const auto& row : result.examples) CHECK(row.scores.size() == result.score_names.size());
  const ExampleRow& row = result.examples[1];
  CHECK(row.item_id == "fact");
  CHECK(row.prompt_sha == sha256_hex(row.prompt));
  CHECK(row.response == "She has a goat.");
  CHECK(row.reference == "goat");
}

TEST_CASE("a task that the data does not have has no metric") {
  ScriptedContext context;
  context.ask("fact", "closed_book", kPets, "goat", "goat");
  const EvalResult result = Helpfulness(Params{}).evaluate(context);
  CHECK(find_metric(result, "helpfulness_open_book") == nullptr);
  CHECK(scores(result, "helpfulness_closed_book") == std::vector<double>{1});
}

TEST_CASE("a model that says nothing helps with nothing") {
  ScriptedContext context = one_of_each();
  context.scripted.answers.clear();
  const EvalResult result = Helpfulness(Params{}).evaluate(context);
  CHECK(metric(result, "helpfulness").value == 0);
  CHECK(metric(result, "answered_by_itself").value == 0);
}

TEST_CASE("sampling parameters reach the generator; seeds are the item's alone; limit counts fitting items") {
  ScriptedContext all = one_of_each(), last;
  last.ask("sum", "", nullptr, "2 and 2\n#### 4", "4");
  Params params;
  params.sampling.max_new_tokens = 9;
  params.sampling.temperature = 0.5;
  params.sampling.weights = "int8";
  Helpfulness(params).evaluate(all);
  Helpfulness(params).evaluate(last);
  CHECK(all.scripted.sampling.max_new_tokens == 9);
  CHECK(all.scripted.sampling.temperature == 0.5);
  CHECK(all.scripted.sampling.weights == "int8");
  CHECK(all.scripted.seeds.at(5) == last.scripted.seeds.at(0));
  CHECK(all.scripted.seeds.at(0) != all.scripted.seeds.at(1));
  params.limit = 2;
  all.rows.insert(all.rows.begin(), all.rows.back());  // one that does not fit comes first
  CHECK(Helpfulness(params).evaluate(all).examples.size() == 2);
}

TEST_CASE("no items, bad items and cancelling end the evaluation") {
  ScriptedContext context;
  context.ask("other", "truthfulness");
  CHECK_THROWS_AS(Helpfulness(Params{}).evaluate(context), DataError);
  context.ask("fact", "closed_book", json{{"choices", {"hen", "dog"}}}, "goat");
  CHECK_THROWS_WITH(Helpfulness(Params{}).evaluate(context),
                    ContainsSubstring("goat") && ContainsSubstring("items.jsonl:2"));
  context.rows.back().reference = "";
  CHECK_THROWS_WITH(Helpfulness(Params{}).evaluate(context), ContainsSubstring("no reference"));
  ScriptedContext stopped = one_of_each();
  stopped.stop = true;
  CHECK_THROWS_AS(Helpfulness(Params{}).evaluate(stopped), Cancelled);
}

TEST_CASE("an answer that breaks off within a character is judged and kept as valid text") {
  ScriptedContext context;
  context.ask("form", "instruction_following", kNoComma, "", "caf\xC3");
  const EvalResult result = Helpfulness(Params{}).evaluate(context);
  CHECK(result.examples.at(0).response == "caf\xEF\xBF\xBD");
  CHECK(metric(result, "helpfulness").value == 1);
}

TEST_CASE("the judge says what is correct where an answer is given") {
  Helpfulness evaluator{Params{}};
  TextJudge& judge = evaluator;
  const auto verdict = [&](const json& row) { return json::parse(judge.judge(row.dump())); };
  const json gsm = verdict({{"id", 5}, {"prompt", "How many?"}, {"answer", "3 and 4\n#### 7"}, {"response", "So 7."}});
  CHECK(gsm == json{{"item_id", 5}, {"prompt", "How many?"}, {"task", "exact_answer"}, {"correct", true}});
  CHECK(verdict({{"answer", 29}, {"response", "$29.00"}}).at("correct") == true);
  CHECK(verdict({{"reference", "Paris"}, {"response", "In Paris."}}).at("correct") == true);
  CHECK(verdict({{"reference", "Paris"}, {"response", "In Rome."}}).at("correct") == false);
  CHECK(verdict({{"task", "unknown_person"}, {"response", "I do not know him."}}).at("correct") == true);
  json form = kNoComma;
  form["response"] = "one, two";
  CHECK(verdict(form).at("correct") == false);
  CHECK_FALSE(verdict({{"prompt", "Hello"}, {"response", "Hi"}}).contains("correct"));
  CHECK_THROWS_WITH(judge.judge(R"({"prompt": "a"})"), ContainsSubstring("'response'"));
  CHECK_THROWS_WITH(judge.judge("{"), ContainsSubstring("not valid JSON"));
  CHECK_THROWS_AS(judge.judge("[1]"), DataError);
}
TEST_CASE("items about one source are counted together: ten copies of an item are no surer than one") {
  ScriptedContext single, copies;
  for (int i = 0; i < 12; ++i) {
    const std::string answer = i % 3 == 0 ? "goat" : "hen", id = "fact" + std::to_string(i);
    single.ask(id + "-", "closed_book", kPets, "goat", answer);
    for (int copy = 0; copy < 10; ++copy) {
      copies.ask(id + "-" + std::to_string(copy) + "-", "closed_book", kPets, "goat", answer);
      copies.rows.back().cluster = id;
    }
  }
  const auto one = metric(Helpfulness(Params{}).evaluate(single), "helpfulness");
  const EvalResult result = Helpfulness(Params{}).evaluate(copies);
  const auto many = metric(result, "helpfulness");
  CHECK(many.n == 120);
  CHECK(many.value == Approx(one.value));
  CHECK(many.std_error == Approx(one.std_error).epsilon(0.15));
  CHECK(result.examples[0].cluster == "fact0");
}

TEST_CASE("parameters that ask for a comparison without a judge are refused") {
  const auto table = helpfulness::params_table();
  ParamValues values = default_values(table.specs());
  const auto set = [&](const std::string& name, const std::string& value) {
    values.set(name, {value, ValueSource::kCommandLine, "--set"});
  };
  set("against", "reference");
  CHECK_THROWS_WITH(table.parse(values), ContainsSubstring("who says which answer is better"));
  set("judge", "some/model");
  CHECK_NOTHROW(table.parse(values));
  set("against", "");
  CHECK_THROWS_WITH(table.parse(values), ContainsSubstring("under against"));
}
