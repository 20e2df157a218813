// The stage reward_model on a tiny model: labelled answers (the loss by hand, what is reported, resuming), pairs beside
// them.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "labelled.h"
#include "probe.h"
#include "reward_model.h"
#include "reward_models.h"
#include "test_context.h"

using namespace temper;
using namespace temper::test;
using reward_model::label_answers;
using reward_model::LabelledAnswers;

namespace {

reward_model::Params params_of(std::int64_t steps) {
  reward_model::Params params;
  params.data = {"letters"};
  params.prompt_template = "plain";
  params.loss = "binary";
  params.normalise = "none";
  params.train.steps = steps;
  params.train.batch_size = 12;
  params.train.context = 48;
  params.train.learning_rate = 1e-2;
  params.train.warmup_steps = 2;
  params.train.log_every = 1;
  params.train.validation_batches = 4;
  params.train.checkpoint_every = 0;
  return params;
}

/// Each pair's chosen answer alone, or its rejected one, in turn.
std::vector<PreferencePair> singles(std::vector<PreferencePair> pairs) {
  for (std::size_t i = 0; i < pairs.size(); ++i) (i % 2 == 0 ? pairs[i].has_rejected : pairs[i].has_chosen) = false;
  return pairs;
}

TestContext labelled_context(double dropout = 0) {
  TestContext context(dropout);
  context.train_pairs = singles(letter_pairs(96, 1));
  context.held_out = singles(letter_pairs(40, 2));
  return context;
}

}  // namespace

TEST_CASE("labelled answers are rows, both sides of a pair two of them", "[preference_stages][reward_model]") {
  TestContext context;
  auto rows = singles(letter_pairs(3, 1));
  rows.push_back(letter_pairs(1, 9)[0]);
  const LabelledAnswers answers = label_answers(rows, "plain", 48, context.bytes, context.own.traits());
  CHECK(answers.good == std::vector<float>{1, 0, 1, 1, 0});
  CHECK(answers.good_count() == 3);
  CHECK(answers.dialogues[0].answer.back() == context.bytes.eos_ids().front());
  CHECK(answers.dialogues[3].prompt == answers.dialogues[4].prompt);
  CHECK(answers.cut == 0);
  rows = {rows[0], rows[2]};
  CHECK_THROWS_WITH(label_answers(rows, "plain", 48, context.bytes, context.own.traits()),
                    ContainsSubstring("all 2 labelled answers are good"));
}

TEST_CASE("the loss is binary cross-entropy of the reading at the last token", "[preference_stages][reward_model]") {
  TestContext context;
  const auto rows = singles(letter_pairs(5, 1));
  const ArchitectureTraits traits = context.own.traits();
  const LabelledAnswers answers = label_answers(rows, "plain", 48, context.bytes, traits);
  stages::RewardHead head = stages::fresh_head(traits.width, {"good"}, 4);
  const at::NoGradGuard guard;
  head.bias_K.fill_(0.7);
  head.weight_KD.mul_(5);
  const Batch batch = reward_model::labelled_batch(answers, {3, 0, 4}, traits, 256, 48);
  const SummedLoss loss = reward_model::label_loss(context.own, head, batch);
  double sum = 0, right = 0, probabilities = 0;
  for (const std::size_t i : {3, 0, 4}) {
    std::vector<std::int64_t> ids = answers.dialogues[i].prompt;
    ids.insert(ids.end(), answers.dialogues[i].answer.begin(), answers.dialogues[i].answer.end());
    ModelInput input;
    input.ids_BT = at::tensor(ids, at::kLong).unsqueeze(0);
    input.positions_BT = at::arange(static_cast<std::int64_t>(ids.size()), at::kLong).unsqueeze(0);
    const at::Tensor last_D = context.own.hidden(input)[0][-1];
    const double p = 1 / (1 + std::exp(-(last_D * head.weight_KD[0]).sum().item<double>() - 0.7));
    const bool good = i % 2 == 0;
    sum -= std::log(good ? p : 1 - p);
    right += (p > 0.5) == good;
    probabilities += p;
  }
  CHECK(loss.sum.item<double>() == Approx(sum).epsilon(1e-5));
  CHECK(loss.target_tokens == 3);
  CHECK(loss.metrics.at("accuracy") == right);
  CHECK(loss.metrics.at("probability_mean") == Approx(probabilities).epsilon(1e-5));
}

TEST_CASE("area under the curve: ties count half", "[preference_stages][reward_model]") {
  using reward_model::area_under_curve;
  // The example of scikit-learn's roc_auc_score, and the same with ties.
  CHECK(area_under_curve({0.1, 0.4, 0.35, 0.8}, {0, 0, 1, 1}) == 0.75);
  CHECK(area_under_curve({1, 1, 1}, {0, 1, 0}) == 0.5);
  CHECK(area_under_curve({2, 1, 1, 0}, {1, 1, 0, 0}) == 0.875);
}

TEST_CASE("logistic regression is scikit-learn's on standardised features", "[preference_stages][reward_model]") {
  // tests/reference/hallucination/probe.py; the third feature never changes.
  at::Tensor x_ND = at::zeros({40, 3}, at::kDouble), y_N = at::zeros({40}, at::kDouble);
  for (std::int64_t k = 0; k < 40; ++k) {
    x_ND[k][0] = static_cast<double>(k % 7 - 3) + 0.25 * static_cast<double>(k % 3);
    x_ND[k][1] = static_cast<double>(100 + 20 * (k * k % 11));
    x_ND[k][2] = 5.0;
    y_N[k] = static_cast<double>((k % 7 > 3) != (k % 5 == 0));
  }
  const auto weak = reward_model::fit_logistic(x_ND, y_N, 0.05), strong = reward_model::fit_logistic(x_ND, y_N, 2);
  CHECK(weak.weight_D[0].item<double>() == Approx(0.146301492).epsilon(1e-6));
  CHECK(weak.weight_D[1].item<double>() == Approx(-0.002279538).epsilon(1e-6));
  CHECK(weak.weight_D[2].item<double>() == Approx(0).margin(1e-9));
  CHECK(weak.bias == Approx(0.183592453).epsilon(1e-6));
  CHECK(strong.weight_D[0].item<double>() == Approx(0.461444342).epsilon(1e-6));
  CHECK(strong.bias == Approx(0.867774206).epsilon(1e-6));
}

TEST_CASE("a probed head is calibrated on what it read, before any step", "[preference_stages][reward_model]") {
  TestContext context = labelled_context();
  reward_model::Params params = params_of(0);
  params.head_start = "probe";
  params.probe_strength = 0.1;
  const auto before = weights_of(context.own);
  reward_model::RewardModel(params).run(context);
  CHECK(equal(before, weights_of(context.own)));
  const stages::RewardHead head = stages::load_head(context.extras.at(""), "judge");
  const LabelledAnswers train = label_answers(context.train_pairs, "plain", 48, context.bytes, context.own.traits());
  const at::Tensor p_N = stages::read_rewards(context.own, head, train.dialogues, 256).select(1, 0).sigmoid();
  // The free bias makes mean probability and share of good answers equal.
  CHECK(p_N.mean().item<double>() == Approx(0.5).margin(1e-4));
  double loss = 0;
  for (std::size_t i = 0; i < train.good.size(); ++i) {
    const double p = p_N[static_cast<std::int64_t>(i)].item<double>();
    loss -= std::log(train.good[i] == 1 ? p : 1 - p) / 96;
  }
  CHECK(loss < 0.95 * std::log(2));
  CHECK(last_of(context, "held_out_accuracy") > 0.5);
  CHECK_THAT(context.notes.front(), ContainsSubstring("logistic regression on 96 answers"));
}

TEST_CASE("a judge learns labels, says what it is worth, and keeps its log-odds as they are",
          "[preference_stages][reward_model]") {
  TestContext context = labelled_context();
  CHECK(reward_model::RewardModel(params_of(60)).run(context) == FitStatus::kComplete);
  CHECK(context.logs.at("loss").at(1) == Approx(std::log(2)).margin(0.4));
  CHECK(last_of(context, "validation_accuracy") > 0.9);
  CHECK(last_of(context, "majority_accuracy") == 0.5);
  CHECK(context.sentinels.at("reward_position").passed);
  const StateDict& kept = context.extras.at("");
  CHECK(kept.texts.at(reward_model::kLossText) == "binary");
  CHECK(nlohmann::json::parse(kept.texts.at("reward_facts")).at("held_out") == 40);
  // The numbers again, from the kept head and the definitions.
  const stages::RewardHead head = stages::load_head(kept, "judge");
  const LabelledAnswers held_out = label_answers(context.held_out, "plain", 48, context.bytes, context.own.traits());
  const at::Tensor logits_B = stages::read_rewards(context.own, head, held_out.dialogues, 256).select(1, 0);
  double right = 0, squares = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    const double p = 1 / (1 + std::exp(-logits_B[static_cast<std::int64_t>(i)].item<double>()));
    right += (p > 0.5) == (held_out.good[i] == 1);
    squares += (p - held_out.good[i]) * (p - held_out.good[i]);
  }
  CHECK(last_of(context, "held_out_accuracy") == Approx(right / 40));
  CHECK(last_of(context, "brier") == Approx(squares / 40).epsilon(1e-4));
  CHECK(last_of(context, "over_majority") == Approx(right / 40 - 0.5));
  CHECK_THAT(context.notes.back(), ContainsSubstring("over 40 held-out answers: accuracy"));
  CHECK(last_of(context, "auc") > 0.9);
  CHECK(last_of(context, "calibration_error") < 0.3);
}

TEST_CASE("a judge that was stopped goes on to the same weights and head", "[preference_stages][reward_model]") {
  reward_model::Params params = params_of(9);
  params.head_start = GENERATE("random", "probe");
  TestContext straight = labelled_context(0.2), stopped = labelled_context(0.2), resumed = labelled_context(0.2);
  reward_model::RewardModel(params).run(straight);
  stopped.stop_after = 4;
  CHECK_THROWS_AS(reward_model::RewardModel(params).run(stopped), Cancelled);
  CHECK(stopped.seen == 4);
  resumed.resume_from(stopped);
  reward_model::RewardModel(params).run(resumed);
  CHECK(equal(weights_of(straight.own), weights_of(resumed.own)));
  for (const char* name : {"reward_head.weight", "reward_head.bias"}) {
    CHECK(straight.extras.at("").tensors.at(name).equal(resumed.extras.at("").tensors.at(name)));
  }
  CHECK(straight.logs.at("loss").at(9) == resumed.logs.at("loss").at(9));
}

TEST_CASE("pairs still learn what they learnt, and want both sides", "[preference_stages][reward_model]") {
  TestContext context;
  reward_model::Params params = params_of(20);
  params.loss = "bradley_terry";
  params.normalise = "mean";
  reward_model::RewardModel(params).run(context);
  CHECK_FALSE(context.extras.at("").texts.contains(reward_model::kLossText));
  CHECK(context.logs.contains("accuracy_reward"));
  TestContext single = labelled_context();
  CHECK_THROWS_WITH(reward_model::RewardModel(params).run(single), ContainsSubstring("Set loss to binary"));
}

TEST_CASE("what would shift log-odds is refused", "[preference_stages][reward_model]") {
  const auto table = reward_model::params_table();
  const auto parse = [&](const std::map<std::string, ParamValue>& given) {
    ParamValues values = default_values(table.specs());
    for (const auto& [name, value] : given) values.set(name, {value, ValueSource::kFile, ""});
    return table.parse(values);
  };
  CHECK_NOTHROW(parse({}));
  CHECK_NOTHROW(parse({{"loss", "binary"}, {"normalise", "none"}}));
  CHECK_THROWS_WITH(parse({{"loss", "binary"}}), ContainsSubstring("set normalise to none"));
  CHECK_THROWS_WITH(parse({{"head_start", "probe"}}), ContainsSubstring("set loss to binary"));
  CHECK_THROWS_WITH(parse({{"loss", "binary"}, {"normalise", "none"}, {"centring", 0.1}}), ContainsSubstring("centring"));
  CHECK_THROWS_WITH(parse({{"loss", "binary"}, {"normalise", "none"}, {"dimensions", std::vector<std::string>{"safety"}}}),
                    ContainsSubstring("there is one head"));
}
