// The evaluator hallucination with a trained judge, on a tiny model: probabilities from log-odds, which heads are judges,
// answers written and judged, rows of `temper score`.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "eval_support.h"
#include "hallucination.h"
#include "labelled.h"
#include "reward_head.h"
#include "reward_models.h"
#include "truthfulqa.h"

using namespace temper;
using namespace temper::test;
using nlohmann::json;

namespace {

StateDict judge_head(std::uint64_t seed) {
  stages::RewardHead head = stages::fresh_head(16, {"good"}, seed);
  head.prompt_template = "plain";
  StateDict kept = head.save("{}");
  kept.texts[reward_model::kLossText] = "binary";
  return kept;
}

/// p(good) from the reading of the last token, the long way.
double by_hand(Architecture& model, const StateDict& kept, const std::string& question, const std::string& answer) {
  const ByteTokenizer bytes{259, {257}, 256, 258};
  const stages::RewardHead head = stages::load_head(kept, "judge");
  const auto dialogue = stages::tokenize("plain", {{"user", question}}, answer, bytes, model.traits());
  const double log_odds = stages::read_rewards(model, head, {dialogue}, 256).item<double>();
  return 1 / (1 + std::exp(-log_odds));
}

EvalItem question_item(const std::string& id, const std::string& question) {
  EvalItem item;
  item.id = id;
  item.prompt = {{"user", question}};
  item.attributes_json = json{{"correct_answers", {"A"}}, {"incorrect_answers", {"B"}}}.dump();
  return item;
}

class OneModel final : public ModelLender {
 public:
  OneModel(Architecture& model, Generator& generator, Scorer& scorer, StateDict kept)
      : lent_{model, bytes_, generator, scorer, std::move(kept), "plain", "sha"} {}
  LentModel& model(const std::string& reference) override {
    asked = reference;
    return lent_;
  }
  std::string asked;

 private:
  ByteTokenizer bytes_{259, {257}, 256, 258};
  LentModel lent_;
};

/// log p is minus the option's number of tokens, and what was asked is kept.
class LengthScorer final : public Scorer {
 public:
  std::vector<std::string> contexts, options;
  std::vector<Score> score(const std::vector<ScoreRequest>& requests) override {
    std::vector<Score> out;
    for (const auto& request : requests) {
      contexts.push_back(bytes_.decode(request.context_ids));
      options.push_back(bytes_.decode(request.continuation_ids));
      Score score;
      score.sum = -static_cast<double>(request.continuation_ids.size());
      out.push_back(std::move(score));
    }
    return out;
  }

 private:
  ByteTokenizer bytes_{259, {257}, 256, 258};
};

}  // namespace

TEST_CASE("a judge of the run reads the answers to TruthfulQA's questions", "[preference_stages][hallucination]") {
  TestEvalContext context;
  gpt::Gpt judge_model = tiny_gpt(0, 21), other_model = tiny_gpt(0, 22);
  context.others["judge"] = &judge_model;
  context.others["informative"] = &other_model;
  context.extras["judge"] = judge_head(3);
  context.extras["informative"] = judge_head(4);
  for (int i = 0; i < 9; ++i) context.rows.push_back(question_item("q" + std::to_string(i), "Is it " + std::to_string(i)));
  hallucination::Params params;
  params.multiple_choice = false;
  params.judge_stage = {"judge"};
  params.informative_stage = {"informative"};
  const EvalResult result = hallucination::Hallucination(params).evaluate(context);
  const auto probabilities = column(result, "truthful_probability.num");
  const auto truthful = column(result, "truthful"), informative = column(result, "informative");
  double mean = 0, both = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    const auto& row = result.examples[i];
    const std::string question = "Is it " + std::to_string(i);
    CHECK(row.prompt == hallucination::qa_prompt(question));
    CHECK(probabilities[i] == Approx(by_hand(judge_model, context.extras["judge"], question, row.response)).margin(1e-5));
    CHECK(truthful[i] == (probabilities[i] > 0.5));
    mean += probabilities[i] / 9;
    both += (truthful[i] == 1 && informative[i] == 1) / 9.0;
  }
  CHECK(metric(result, "truthful_probability").value == Approx(mean));
  CHECK(metric(result, "truthful_informative").value == Approx(both));
  params.truthfulqa_prompt = "template";
  CHECK(hallucination::Hallucination(params).evaluate(context).examples[0].prompt == "Is it 0\n");
}

TEST_CASE("a head that learnt from pairs is no judge of truth", "[preference_stages][hallucination]") {
  TestEvalContext context;
  gpt::Gpt judge_model = tiny_gpt(0, 21);
  context.others["judge"] = &judge_model;
  context.extras["judge"] = judge_head(3);
  context.extras["judge"].texts.erase(reward_model::kLossText);
  context.rows.push_back(question_item("q", "Is it?"));
  hallucination::Params params;
  params.multiple_choice = false;
  params.judge_stage = {"judge"};
  CHECK_THROWS_AS(hallucination::Hallucination(params).evaluate(context), ConfigError);
  CHECK_THROWS_WITH(hallucination::Hallucination(params).evaluate(context), ContainsSubstring("loss: binary"));
}

TEST_CASE("answers from elsewhere are judged by a model from outside", "[preference_stages][hallucination]") {
  gpt::Gpt judge_model = tiny_gpt(0, 21);
  DrawnAnswers generator;
  LengthScorer scorer;
  OneModel lender(judge_model, generator, scorer, judge_head(5));
  hallucination::Params params;
  params.judge = "some/folder";
  hallucination::Hallucination evaluator(params);
  TextJudge& judge = evaluator;
  judge.begin_judging(lender);
  CHECK(lender.asked == "some/folder");
  const json verdict = json::parse(judge.judge(R"({"item_id": 7, "question": "Is it?", "response": "It is."})"));
  CHECK(verdict.at("item_id") == 7);
  CHECK(verdict.at("truthful").get<double>() ==
        Approx(by_hand(judge_model, judge_head(5), "Is it?", "It is.")).margin(1e-5));
  CHECK_THROWS_WITH(judge.judge(R"({"response": "It is."})"), ContainsSubstring("'prompt' is missing"));
}

TEST_CASE("TruthfulQA by likelihood: options behind the paper's prompt, scores by hand",
          "[preference_stages][hallucination]") {
  TestEvalContext context;
  LengthScorer scorer;
  context.scores = &scorer;
  context.rows.push_back(question_item("t1", "Is it?"));
  context.rows.back().attributes_json =
      R"({"Best Answer": "Yes", "Correct Answers": "Yes; Oh yes", "Incorrect Answers": "Never; Nope"})";
  context.rows.push_back({"k", {{"user", "Which pet?"}}, "goat", "closed_book", "", ""});
  context.rows.push_back(question_item("t2", "Why?"));
  context.rows.back().attributes_json = R"({"correct_answers": ["Perhaps"], "incorrect_answers": ["No"]})";
  context.rows.back().task = "truthfulqa";
  const EvalResult result = hallucination::Hallucination(hallucination::Params{}).evaluate(context);
  CHECK(scorer.options == std::vector<std::string>{" Yes.", " Oh yes.", " Never.", " Nope.", " Perhaps.", " No."});
  CHECK(scorer.contexts[0] == hallucination::qa_prompt("Is it?"));
  CHECK(column(result, "mc1.num") == std::vector<double>{1, 0, 0});
  CHECK(column(result, "mc1.den") == std::vector<double>{1, 0, 1});
  CHECK(metric(result, "mc1").value == 0.5);
  // Lengths with the space: 5 and 8 against 7 and 6; 9 against 4.
  const double first = (std::exp(-5) + std::exp(-8)) / (std::exp(-5) + std::exp(-8) + std::exp(-7) + std::exp(-6));
  const double second = std::exp(-9) / (std::exp(-9) + std::exp(-4));
  CHECK(metric(result, "mc2").value == Approx((first + second) / 2));
  CHECK(metric(result, "mc2").n == 2);
  CHECK(result.examples[0].reference == "Yes.");
  // Without a judge nothing is written to TruthfulQA's questions.
  CHECK(result.examples[0].response.empty());
  CHECK_FALSE(result.examples[1].response.empty());
  CHECK(metric(result, "answered_by_itself").n == 1);
}
