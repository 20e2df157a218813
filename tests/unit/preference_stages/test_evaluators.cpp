// The evaluators best_of_n and preference_accuracy on a tiny model, against numbers counted by hand.
#include <ATen/ATen.h>

#include <cmath>

#include "best_of_n.h"
#include "eval_support.h"
#include "preference_accuracy.h"
#include "reward_head.h"
#include "reward_models.h"

using namespace temper;
using namespace temper::test;

namespace {

/// The mean over all subsets of k values of their maximum.
double by_subsets(const std::vector<double>& values, int k) {
  double sum = 0;
  int subsets = 0;
  for (unsigned mask = 0; mask < (1U << values.size()); ++mask) {
    if (__builtin_popcount(mask) != k) continue;
    double best = -1e9;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if ((mask >> i) & 1U) best = std::max(best, values[i]);
    }
    sum += best;
    ++subsets;
  }
  return sum / subsets;
}

StateDict head_with(const std::vector<std::string>& dimensions, const std::vector<double>& weights) {
  stages::RewardHead head = stages::fresh_head(16, dimensions, 8);
  head.weights = weights;
  head.prompt_template = "plain";
  return head.save("{}");
}

TestEvalContext best_of_n_context() {
  TestEvalContext context;
  context.extras["reward"] = head_with({"reward"}, {1});
  for (int i = 0; i < 5; ++i) {
    EvalItem item;
    item.id = "item" + std::to_string(i);
    item.prompt = {{"user", "q" + std::to_string(i)}};
    context.rows.push_back(std::move(item));
  }
  return context;
}

best_of_n::Params best_of_n_params() {
  best_of_n::Params params;
  params.data = {"items"};
  params.reward = {"reward"};
  params.samples = 6;
  return params;
}

preference_accuracy::Params accuracy_params() {
  preference_accuracy::Params params;
  params.data = {"letters"};
  return params;
}

}  // namespace

TEST_CASE("the best of k is the mean over all subsets", "[preference_stages][best_of_n]") {
  const std::vector<double> values = {0.3, -2, 5, 5, 1, 0.7, -0.1};
  for (int k = 1; k <= 7; ++k) CHECK(best_of_n::expected_best(values, k) == Approx(by_subsets(values, k)).margin(1e-12));
  CHECK_THROWS_AS(best_of_n::expected_best(values, 8), PluginError);
  CHECK(best_of_n::sizes_up_to(1) == std::vector<std::int64_t>{1});
  CHECK(best_of_n::sizes_up_to(6) == std::vector<std::int64_t>{1, 2, 4, 6});
  CHECK(best_of_n::divergence_bound(1) == 0);
  CHECK(best_of_n::divergence_bound(4) == Approx(0.636294).margin(1e-6));
}

TEST_CASE("best_of_n scores its samples and takes the best", "[preference_stages][best_of_n]") {
  TestEvalContext context = best_of_n_context();
  gpt::Gpt reward_model = tiny_gpt(0, 21);
  context.others["reward"] = &reward_model;
  const EvalResult result = best_of_n::BestOfN(best_of_n_params()).evaluate(context);
  CHECK(context.answers.temperature == 1);
  REQUIRE(result.examples.size() == 5);
  CHECK(metric(result, "best_of_1").value < metric(result, "best_of_2").value);
  CHECK(metric(result, "best_of_2").value < metric(result, "best_of_4").value);
  CHECK(metric(result, "best_of_4").value < metric(result, "best_of_6").value);
  CHECK(metric(result, "gain").value ==
        Approx(metric(result, "best_of_6").value - metric(result, "best_of_1").value).margin(1e-9));
  CHECK(metric(result, "kl_bound_of_6").value == Approx(std::log(6.0) - 5.0 / 6));
  CHECK(metric(result, "answered_by_itself").n == 30);
  // The row's response has the row's best reward, read by the reward model alone.
  const stages::RewardHead head = stages::load_head(context.extras["reward"], "reward");
  const std::vector<double> best = column(result, "best_of_6");
  for (std::size_t i = 0; i < 5; ++i) {
    const auto& row = result.examples[i];
    CHECK(row.prompt == "q" + std::to_string(i) + "\n");
    stages::Dialogue dialogue{{258}, {}};
    for (const char c : row.prompt) dialogue.prompt.push_back(static_cast<unsigned char>(c));
    for (const char c : row.response) dialogue.answer.push_back(static_cast<unsigned char>(c));
    if (row.response != "xxxxxxxx") dialogue.answer.push_back(257);
    CHECK(stages::read_rewards(reward_model, head, {dialogue}, 256).item<double>() == Approx(best[i]).margin(1e-4));
  }
  context.template_ = "chat";
  CHECK_THROWS_AS(best_of_n::BestOfN(best_of_n_params()).evaluate(context), ConfigError);
}

TEST_CASE("without a reward head pairs are ranked by likelihood", "[preference_stages][preference_accuracy]") {
  TestEvalContext context;
  context.pairs = letter_pairs(12, 6);
  context.pairs[3].dimension = context.pairs[4].dimension = "Safe-ty";
  context.pairs[5].id = context.pairs[4].id;
  const EvalResult result = preference_accuracy::PreferenceAccuracy(accuracy_params()).evaluate(context);
  double right = 0;
  const auto scores = column(result, "chosen_score"), rejected = column(result, "rejected_score");
  for (std::size_t i = 0; i < context.pairs.size(); ++i) {
    const auto read = [&](const std::string& answer) {
      const auto dialogue =
          stages::tokenize("plain", context.pairs[i].prompt, answer, context.tokenizer(), context.own.traits());
      return by_hand(context.own, dialogue) / static_cast<double>(dialogue.answer.size());
    };
    CHECK(scores[i] == Approx(read(context.pairs[i].chosen)).margin(1e-4));
    CHECK(rejected[i] == Approx(read(context.pairs[i].rejected)).margin(1e-4));
    right += scores[i] > rejected[i];
  }
  CHECK(metric(result, "preference_accuracy").value == Approx(right / 12));
  CHECK(metric(result, "preference_accuracy").n == 12);
  CHECK(metric(result, "preference_accuracy_safe_ty").n == 2);
  CHECK_THAT(metric(result, "preference_accuracy").spec.doc, ContainsSubstring("no reward head"));
  CHECK(result.examples[5].item_id == context.pairs[4].id + "#2");

  // Against itself every pair is a tie, which is neither right nor wrong (P-RM-05).
  context.others["sft"] = &context.own;
  auto params = accuracy_params();
  params.reference = "sft";
  const EvalResult tied = preference_accuracy::PreferenceAccuracy(params).evaluate(context);
  CHECK(metric(tied, "preference_accuracy").value == 0);
  CHECK(metric(tied, "tie_rate").value == 1);
  CHECK(metric(tied, "brier").value == Approx(0.25));

  context.pairs[2].has_chosen = false;
  CHECK_THROWS_WITH(preference_accuracy::PreferenceAccuracy(params).evaluate(context), ContainsSubstring("only one side"));
}

TEST_CASE("a reward head ranks by the pair's own dimension", "[preference_stages][preference_accuracy]") {
  TestEvalContext context;
  context.pairs = letter_pairs(9, 6);
  const std::vector<std::string> about = {"help", "safe", "other"};
  for (std::size_t i = 0; i < 9; ++i) context.pairs[i].dimension = about[i % 3];
  context.extras[""] = head_with({"help", "safe"}, {2, 0.5});
  context.template_ = "chat";  // the head's own template counts
  const EvalResult result = preference_accuracy::PreferenceAccuracy(accuracy_params()).evaluate(context);
  const stages::RewardHead head = stages::load_head(context.extras[""], "");
  const auto chosen = column(result, "chosen_score");
  for (std::size_t i = 0; i < 9; ++i) {
    const auto dialogue = stages::tokenize("plain", context.pairs[i].prompt, context.pairs[i].chosen, context.tokenizer(),
                                           context.own.traits());
    const at::Tensor both = stages::read_rewards(context.own, head, {dialogue}, 256)[0];
    const double help = both[0].item<double>(), safe = both[1].item<double>();
    const double expected = i % 3 == 0 ? help : i % 3 == 1 ? safe : 2 * help + 0.5 * safe;
    CHECK(chosen[i] == Approx(expected).margin(1e-4));
  }
  CHECK(metric(result, "preference_accuracy_help").n == 3);
  CHECK(metric(result, "calibration_error").value >= 0);
  CHECK(std::abs(metric(result, "length_correlation").value) <= 1);
  CHECK_THAT(metric(result, "preference_accuracy").spec.doc, ContainsSubstring("higher reward."));
}
