// The stage kto on a tiny model: rows from pairs and from unpaired feedback, mismatched answers, the loss by hand, resuming.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "kto.h"
#include "reference_sums.h"
#include "test_context.h"

using namespace temper;
using namespace temper::test;

namespace {

kto::Params params_of(std::int64_t steps) {
  kto::Params params;
  params.from = "sft";
  params.data = {"letters"};
  params.prompt_template = "plain";
  params.train.steps = steps;
  params.train.batch_size = 12;
  params.train.context = 48;
  params.train.learning_rate = 3e-3;
  params.train.warmup_steps = 2;
  params.train.log_every = 1;
  params.train.validation_batches = 4;
  params.train.checkpoint_every = 0;
  return params;
}

kto::Rows rows_of(TestContext& context, const std::vector<PreferencePair>& feedback, std::uint64_t seed = 4) {
  kto::Rows rows = kto::make_rows(feedback, "plain", 48, seed, context.bytes, context.own.traits());
  rows.reference = stages::sum_log_probs(context.beginning, rows.dialogues, 256);
  rows.mismatched_reference = stages::sum_log_probs(context.beginning, rows.mismatched, 256);
  return rows;
}

}  // namespace

TEST_CASE("both sides of a pair are rows, and mismatched answers belong to other prompts", "[preference_stages][kto]") {
  TestContext context;
  std::vector<PreferencePair> feedback = context.train_pairs;
  PreferencePair single = feedback.front();
  single.prompt = {{"user", "only"}};
  single.has_rejected = false;
  feedback.push_back(single);
  const kto::Rows rows = rows_of(context, feedback);
  REQUIRE(rows.size() == 49);
  CHECK(rows.desirable_rows() == 25);
  std::set<std::vector<std::int64_t>> answers;
  for (const auto& row : rows.dialogues) answers.insert(row.answer);
  for (std::size_t i = 0; i < 49; ++i) {
    CHECK(rows.mismatched[i].prompt == rows.dialogues[i].prompt);
    CHECK(answers.contains(rows.mismatched[i].answer));
    // The answer's owner has another prompt: rows are in order, so it is the next one with another prompt.
    std::size_t j = (i + 1) % 49;
    while (rows.dialogues[j].prompt == rows.dialogues[i].prompt) j = (j + 1) % 49;
    CHECK(rows.mismatched[i].answer == rows.dialogues[j].answer);
  }
  const kto::Rows same = rows_of(context, feedback), other = rows_of(context, feedback, 5);
  CHECK(same.dialogues[0].answer == rows.dialogues[0].answer);
  CHECK_FALSE(same.reference.equal(other.reference));

  std::vector<PreferencePair> one_prompt = {feedback.front()};
  CHECK_THROWS_WITH(rows_of(context, one_prompt), ContainsSubstring("all 2 rows have one prompt"));
}

TEST_CASE("the loss of a batch is that of the formula", "[preference_stages][kto]") {
  TestContext context;
  gpt::Gpt policy = tiny_gpt(0, 99);
  const kto::Rows rows = rows_of(context, context.train_pairs);
  const std::vector<std::int64_t> chosen = {7, 0, 30, 12, 47};
  Batch batch = kto::row_batch(rows, chosen, policy.traits(), 256, 48);
  const Batch mismatched = kto::mismatched_batch(rows, batch, policy.traits(), 256, 48);
  KtoSettings settings;
  settings.beta = 0.3;
  settings.desirable_weight = 1.2;
  settings.undesirable_weight = 0.7;
  batch.extra["baseline"] = kto::baseline_of_all(kto::policy_sums(policy, mismatched, 5),
                                                 batch.extra.at("mismatched_reference_B"), context.communicator());
  const SummedLoss loss = kto::row_loss(kto::policy_sums(policy, batch, 5), batch, settings, 0.5);
  double divergence = 0, expected = 0, good = 0, bad = 0, right = 0;
  for (const auto row : chosen) {
    const auto& dialogue = rows.mismatched[static_cast<std::size_t>(row)];
    divergence += (by_hand(policy, dialogue) - by_hand(context.beginning, dialogue)) / 5;
  }
  const double z = std::max(0.0, divergence);
  for (const auto row : chosen) {
    const auto& dialogue = rows.dialogues[static_cast<std::size_t>(row)];
    const double r = by_hand(policy, dialogue) - by_hand(context.beginning, dialogue);
    const bool desirable = rows.desirable[static_cast<std::size_t>(row)];
    const double sign = desirable ? 1 : -1;
    expected += (desirable ? 1.2 : 0.7) * (1 - 1 / (1 + std::exp(-sign * 0.3 * (r - z))));
    (desirable ? good : bad) += 0.3 * r / 0.5;
    right += sign * (r - z) > 0;
  }
  CHECK(loss.target_tokens == 5);
  CHECK(loss.sum.item<double>() == Approx(expected).margin(1e-4));
  CHECK(loss.metrics.at("baseline") == Approx(5 * z).margin(1e-3));
  CHECK(loss.metrics.at("desirable_reward") == Approx(good).margin(1e-3));
  CHECK(loss.metrics.at("undesirable_reward") == Approx(bad).margin(1e-3));
  CHECK(loss.metrics.at("accuracy") == right);
}

TEST_CASE("kto learns from pairs and from unpaired rows", "[preference_stages][kto]") {
  for (const bool unpaired : {false, true}) {
    TestContext context;
    if (unpaired) {
      for (std::size_t i = 0; i < context.train_pairs.size(); ++i) {
        (i % 2 == 0 ? context.train_pairs[i].has_chosen : context.train_pairs[i].has_rejected) = false;
      }
    }
    CHECK(kto::Kto(params_of(25)).run(context) == FitStatus::kComplete);
    CHECK(context.sentinels.at("kl_at_start").passed);
    CHECK(context.sentinels.at("loss_at_start").passed);
    CHECK(context.logs.at("loss").at(1) == Approx(0.5).margin(1e-4));
    CHECK(last_of(context, "validation_margin") > 0.05);
    CHECK(last_of(context, "validation_accuracy") > 0.7);
    CHECK(last_of(context, "validation_loss") < 0.49);
    const at::NoGradGuard guard;
    CHECK((context.own.head() - context.beginning.head()).abs().max().item<double>() > 1e-3);
  }
}

TEST_CASE("an unbalanced kto says so", "[preference_stages][kto]") {
  TestContext context;
  for (std::size_t i = 0; i < 12; ++i) context.train_pairs[i].has_rejected = false;
  kto::Params params = params_of(1);
  kto::Kto(params).run(context);
  REQUIRE(context.notes.size() == 1);
  CHECK_THAT(context.notes[0], ContainsSubstring("24 good and 12 bad answers") && ContainsSubstring("is 2,"));
  TestContext weighted;
  weighted.train_pairs = context.train_pairs;
  params.settings.undesirable_weight = 1.6;
  kto::Kto(params).run(weighted);
  CHECK(weighted.notes.empty());
}

TEST_CASE("a stopped kto with dropout goes on bit for bit", "[preference_stages][kto]") {
  TestContext straight(0.2), stopped(0.2), resumed(0.2);
  const kto::Params params = params_of(6);
  kto::Kto(params).run(straight);
  stopped.stop_after = 2;
  CHECK_THROWS_AS(kto::Kto(params).run(stopped), Cancelled);
  resumed.resume_from(stopped);
  kto::Kto(params).run(resumed);
  CHECK(equal(weights_of(straight.own), weights_of(resumed.own)));
  CHECK(straight.logs.at("baseline").at(6) == resumed.logs.at("baseline").at(6));
}
