// The stage dpo on a tiny model: the traps P-DPO-02 to 05, the reference, resuming, and that it learns.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "dpo.h"
#include "reference_sums.h"
#include "test_context.h"

using namespace temper;
using namespace temper::test;

namespace {

dpo::Params params_of(std::int64_t steps) {
  dpo::Params params;
  params.from = "sft";
  params.data = {"letters"};
  params.prompt_template = "plain";
  params.train.steps = steps;
  params.train.batch_size = 6;
  params.train.context = 48;
  params.train.learning_rate = 3e-3;
  params.train.warmup_steps = 2;
  params.train.log_every = 1;
  params.train.validation_batches = 4;
  params.train.checkpoint_every = 0;
  return params;
}

dpo::Pairs pairs_of(TestContext& context, const std::vector<PreferencePair>& pairs, std::int64_t length = 48) {
  dpo::Pairs made = dpo::tokenize_pairs(pairs, "plain", length, context.bytes, context.own.traits());
  made.reference_N = stages::sum_log_probs(context.beginning, made.dialogues_N, context.bytes.pad_id());
  return made;
}

}  // namespace

TEST_CASE("summed log-probabilities are the answer's alone, whatever the padding", "[preference_stages][P-DPO-02]") {
  TestContext context;
  const dpo::Pairs pairs = pairs_of(context, context.train_pairs);
  for (std::size_t i = 0; i < pairs.dialogues_N.size(); ++i) {
    CHECK(pairs.reference_N[static_cast<std::int64_t>(i)].item<double>() ==
          Approx(by_hand(context.own, pairs.dialogues_N[i])).margin(1e-4));
  }
  // Packed and padded rows give the same sums; a longer row changes nothing.
  std::vector<std::int64_t> some = {5, 0, 17};
  for (const std::int64_t length : {24, 48, 64}) {
    const Batch batch = dpo::pair_batch(pairs, some, context.own.traits(), 256, length);
    const at::NoGradGuard guard;
    const at::Tensor sums_D = dpo::policy_sums(context.own, batch);
    REQUIRE(sums_D.size(0) == 6);
    CHECK((sums_D - batch.extra.at("reference_D")).abs().max().item<double>() < 1e-4);
  }
}

TEST_CASE("each side is cut by its own length", "[preference_stages][P-DPO-03]") {
  TestContext context;
  std::vector<PreferencePair> pairs = letter_pairs(1, 5);
  pairs[0].prompt = {{"user", "p"}};
  pairs[0].chosen = "bcdefghijk";
  pairs[0].rejected = "b";
  const dpo::Pairs made = dpo::tokenize_pairs(pairs, "plain", 8, context.bytes, context.own.traits());
  CHECK(made.cut == 1);
  REQUIRE(made.dialogues_N.size() == 2);
  CHECK(made.dialogues_N[0].answer.size() == 7);
  CHECK(made.dialogues_N[0].prompt.size() == 1);
  CHECK(made.dialogues_N[1].answer.size() == 2);  // b and the end
  CHECK(made.dialogues_N[1].answer.back() == 257);
  pairs[0].has_rejected = false;
  CHECK_THROWS_WITH(dpo::tokenize_pairs(pairs, "plain", 8, context.bytes, context.own.traits()),
                    ContainsSubstring("only one side") && ContainsSubstring("kto"));
  pairs[0].has_rejected = true;
  pairs[0].rejected = pairs[0].chosen;
  CHECK_THROWS_AS(dpo::tokenize_pairs(pairs, "plain", 8, context.bytes, context.own.traits()), DataError);
}

TEST_CASE("implicit rewards leave the prompt out", "[preference_stages][P-DPO-04]") {
  TestContext context;
  const gpt::Gpt other = tiny_gpt(0, 99);
  auto& policy = const_cast<gpt::Gpt&>(other);
  const dpo::Pairs pairs = pairs_of(context, context.train_pairs);
  const Batch batch = dpo::pair_batch(pairs, {3}, context.own.traits(), 256, 48);
  DpoSettings settings;
  settings.beta = 0.5;
  const SummedLoss loss = dpo::pair_loss(dpo::policy_sums(policy, batch), batch, settings);
  const double chosen = 0.5 * (by_hand(policy, pairs.dialogues_N[6]) - by_hand(context.beginning, pairs.dialogues_N[6]));
  const double rejected = 0.5 * (by_hand(policy, pairs.dialogues_N[7]) - by_hand(context.beginning, pairs.dialogues_N[7]));
  CHECK(loss.target_tokens == 1);
  CHECK(loss.metrics.at("chosen_reward") == Approx(chosen).margin(1e-4));
  CHECK(loss.metrics.at("rejected_reward") == Approx(rejected).margin(1e-4));
  CHECK(loss.metrics.at("margin") == Approx(chosen - rejected).margin(1e-4));
  CHECK(loss.metrics.at("accuracy") == (chosen > rejected ? 1 : 0));
  CHECK(loss.sum.item<double>() == Approx(std::log1p(std::exp(rejected - chosen))).margin(1e-4));
  CHECK(loss.metrics.at("chosen_log_prob") == Approx(by_hand(policy, pairs.dialogues_N[6])).margin(1e-4));
}

TEST_CASE("20 steps move the policy and not the reference", "[preference_stages][P-DPO-05]") {
  TestContext context;
  const auto before = weights_of(context.own);
  const auto reference_before = weights_of(context.beginning);
  const dpo::Pairs pairs = pairs_of(context, context.train_pairs);
  const at::Tensor kept_N = pairs.reference_N.clone();
  dpo::Params params = params_of(20);
  REQUIRE(dpo::Dpo(params).run(context) == FitStatus::kComplete);
  CHECK(context.reference_reads == 1);
  CHECK_FALSE(equal(weights_of(context.own), before));
  CHECK(equal(weights_of(context.beginning), reference_before));
  const at::Tensor after_N = stages::sum_log_probs(context.beginning, pairs.dialogues_N, 256);
  CHECK(after_N.equal(kept_N));
  const at::Tensor policy_N = stages::sum_log_probs(context.own, pairs.dialogues_N, 256);
  CHECK((policy_N - after_N).abs().max().item<double>() > 0.1);
  // What the loss compared with: the margin logged last is that of the frozen numbers, not of a moving reference.
  CHECK(context.logs.at("margin").at(1) == Approx(0).margin(1e-4));
  CHECK(last_of(context, "margin") > 0.1);
  CHECK(last_of(context, "loss") < 0.6);
  CHECK(last_of(context, "validation_accuracy") > 0.8);
  CHECK(context.logs.at("loss").at(1) == Approx(std::log(2.0)).margin(1e-4));
  CHECK(context.template_ == "plain");
}

TEST_CASE("sentinels hold for every loss at its start", "[preference_stages]") {
  for (const std::string loss : {"sigmoid", "ipo", "hinge", "robust"}) {
    TestContext context(0.1);
    dpo::Params params = params_of(1);
    params.loss = loss;
    params.label_smoothing = loss == "robust" ? 0.2 : 0;
    CHECK(dpo::Dpo(params).run(context) == FitStatus::kComplete);
    for (const char* name : {"kl_at_start", "loss_at_start", "loss_mask", "batch_size", "padding_side"}) {
      REQUIRE(context.sentinels.contains(name));
      CHECK(context.sentinels.at(name).passed);
    }
  }
}

TEST_CASE("a reference that is another model stops the stage", "[preference_stages]") {
  TestContext context;
  context.changed = true;  // the reference is then `beginning`, which is made another model
  const at::NoGradGuard guard;
  for (auto& parameter : context.beginning.parameters()) parameter.tensor.add_(0.01);
  CHECK_THROWS_WITH(dpo::Dpo(params_of(1)).run(context), ContainsSubstring("kl_at_start"));
}

TEST_CASE("a stopped dpo with dropout goes on bit for bit", "[preference_stages]") {
  TestContext straight(0.2), stopped(0.2), resumed(0.2);
  const dpo::Params params = params_of(8);
  dpo::Dpo(params).run(straight);
  stopped.stop_after = 3;
  CHECK_THROWS_AS(dpo::Dpo(params).run(stopped), Cancelled);
  resumed.resume_from(stopped);
  dpo::Dpo(params).run(resumed);
  CHECK(equal(weights_of(straight.own), weights_of(resumed.own)));
  CHECK(straight.logs.at("loss").at(8) == resumed.logs.at("loss").at(8));
  CHECK(straight.logs.at("validation_margin").at(8) == resumed.logs.at("validation_margin").at(8));
  // What is about the start is not measured again on a policy that has moved.
  CHECK_FALSE(resumed.sentinels.contains("kl_at_start"));
  CHECK_FALSE(resumed.sentinels.contains("batch_size"));
}
