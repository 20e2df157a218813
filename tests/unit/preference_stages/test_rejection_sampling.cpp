// The stage rejection_sampling: which answers it keeps, that it learns them, that it stops and goes on at a round.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "eval_support.h"
#include "reference_sums.h"
#include "rejection_sampling.h"
#include "reward_head.h"
#include "test_context.h"

using namespace temper;
using namespace temper::test;
using rejection_sampling::SelectionRule;

namespace {

rejection_sampling::Params params_of(std::int64_t rounds) {
  rejection_sampling::Params params;
  params.prompts_per_round = 6;
  params.samples_per_prompt = 4;
  params.rollout.from = "sft";
  params.rollout.reward = {"reward"};
  params.rollout.prompts = {"letters"};
  params.rollout.prompt_source = "preferences";
  params.rollout.prompt_template = "plain";
  params.rollout.iterations = rounds;
  params.rollout.minibatch_size = 4;
  params.rollout.context = 48;
  params.rollout.max_new_tokens = 12;
  params.rollout.learning_rate = 2e-3;
  params.rollout.schedule = "constant";
  return params;
}

/// A reward that the frozen model's head reads, whatever it is.
void give_reward(TestContext& context, Generator& answers) {
  stages::RewardHead head = stages::fresh_head(16, {"reward"}, 8);
  head.prompt_template = "plain";
  context.extras["reward"] = head.save("{}");
  context.answers = &answers;
}

stages::Rollouts scored(const std::vector<float>& scores, const std::vector<std::int64_t>& finished) {
  stages::Rollouts rollouts;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    rollouts.dialogues.push_back({{1}, {static_cast<std::int64_t>(i == 3 ? 2 : i)}});  // answers 2 and 3 are the same
  }
  rollouts.shaped.scores_B = at::tensor(scores, at::kFloat);
  rollouts.raw.scores_B = rollouts.shaped.scores_B;
  rollouts.finished_B = at::tensor(finished, at::kLong).to(at::kBool);
  return rollouts;
}

}  // namespace

TEST_CASE("the best eligible answers of each prompt are kept", "[preference_stages][rejection_sampling]") {
  const auto rollouts = scored({1, 5, 3, 3, 2, 2, -1, 9}, {1, 1, 1, 1, 1, 1, 1, 0});
  SelectionRule rule;
  rule.answers_per_prompt = 4;
  using Kept = std::vector<std::int64_t>;
  CHECK(select(rollouts, rule).kept == Kept{1, 4});
  rule.keep = 3;
  const auto three = select(rollouts, rule);
  CHECK(three.kept == Kept{1, 2, 0, 4, 5, 6});
  CHECK(three.repeated == 1);
  CHECK(three.unfinished == 1);
  rule.threshold = 2;
  const auto above = select(rollouts, rule);
  CHECK(above.kept == Kept{1, 2, 4, 5});
  CHECK(above.below == 2);
  rule.finished_only = false;
  rule.keep = 1;
  CHECK(select(rollouts, rule).kept == Kept{1, 7});
  rule.threshold = 100;
  CHECK(select(rollouts, rule).kept.empty());
  CHECK(rejection_sampling::best_score(rollouts, 4) == Approx(7));
}

TEST_CASE("the policy learns what was kept and nothing else moves", "[preference_stages][rejection_sampling]") {
  TestContext context;
  DrawnAnswers answers;
  give_reward(context, answers);
  const auto frozen = weights_of(context.beginning);
  REQUIRE(rejection_sampling::RejectionSampling(params_of(6)).run(context) == FitStatus::kComplete);
  CHECK(equal(weights_of(context.beginning), frozen));
  for (const char* name : {"loss_mask", "reward_position", "batch_size", "padding_side"}) {
    CHECK(context.sentinels.at(name).passed);
  }
  CHECK(context.logs.at("loss").at(6) < context.logs.at("loss").at(1) - 0.5);
  CHECK(context.logs.at("kl").at(1) == Approx(0).margin(1e-4));
  CHECK(context.logs.at("best_reward").at(1) > context.logs.at("reward").at(1));
  CHECK(context.logs.at("kept_reward").at(1) >= context.logs.at("reward").at(1));
  CHECK(context.logs.at("kept").at(1) <= 6);
  CHECK(context.totals().steps == 6);
  CHECK(context.totals().target_tokens > 0);
  CHECK(context.shown.size() == 24);
  // An answer that is never finished is never learnt.
  stages::Dialogue cut{{258, 'p', '\n'}, {'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x'}};
  CHECK(by_hand(context.own, cut) < by_hand(context.beginning, cut));
}

TEST_CASE("a first round that keeps nothing says why", "[preference_stages][rejection_sampling]") {
  TestContext context;
  DrawnAnswers answers;
  answers.choices = {""};
  give_reward(context, answers);
  CHECK_THROWS_WITH(rejection_sampling::RejectionSampling(params_of(2)).run(context),
                    ContainsSubstring("kept none of its 24 answers: 24 did not end") && ContainsSubstring("finished_only"));
}

TEST_CASE("rejection sampling that was stopped goes on bit for bit", "[preference_stages][rejection_sampling]") {
  const auto params = params_of(4);
  DrawnAnswers answers;
  TestContext straight, stopped, resumed;
  for (auto* context : {&straight, &stopped, &resumed}) give_reward(*context, answers);
  rejection_sampling::RejectionSampling(params).run(straight);
  stopped.stop_after = 2;
  CHECK_THROWS_AS(rejection_sampling::RejectionSampling(params).run(stopped), Cancelled);
  CHECK(stopped.seen == 2);
  resumed.resume_from(stopped);
  resumed.extras["reward"] = straight.extras["reward"];
  rejection_sampling::RejectionSampling(params).run(resumed);
  CHECK(equal(weights_of(straight.own), weights_of(resumed.own)));
  CHECK(straight.logs.at("kl").at(4) == resumed.logs.at("kl").at(4));
  CHECK(straight.totals().target_tokens == resumed.totals().target_tokens);
  CHECK_FALSE(resumed.logs.at("loss").contains(2));
}
