// The preference mathematics on small numbers: the cases P-RM-* and P-DPO-* of the public bug reports, and the edges.
#include "support.h"
#include "temper/preference.h"

using namespace temper;
using namespace temper::test;

TEST_CASE("P-RM-01 the last token comes from the length, not from a pad id") {
  // ids [5,2,6,7,2,2,2] with pad = eos = 2 and true length 5; the second row has no padding.
  CHECK(last_token_index(ids({5, 7})).equal(ids({4, 6})));
  CHECK(last_masked_index(rows({{1, 1, 1, 1, 1, 0, 0}, {1, 1, 1, 1, 1, 1, 1}})).equal(ids({4, 6})));
  CHECK(last_masked_index(rows({{0, 0, 1, 1, 1}, {0, 1, 0, 1, 0}}) > 0).equal(ids({4, 3})));  // left padding, a gap
  CHECK_THROWS_AS(last_token_index(ids({3, 0})), DataError);
  CHECK_THROWS_WITH(last_masked_index(rows({{1, 1}, {0, 0}})), ContainsSubstring("row 1"));
}

TEST_CASE("P-RM-02 the reward is read at the EOS itself") {
  const at::Tensor scores = row({0.1, 0.2, 0.3, 0.9, -5}).requires_grad_();
  const at::Tensor reward = values_at(scores, last_token_index(ids({4})));
  check_close(reward, vec({0.9}));
  check_close(values_at(scores, last_masked_index(row({1, 1, 1, 1, 0}))), vec({0.9}));
  reward.sum().backward();
  check_close(scores.grad(), row({0, 0, 0, 1, 0}));
  CHECK_THROWS_AS(values_at(scores, ids({5})), PluginError);
  CHECK_THROWS_AS(values_at(scores, ids({1, 2})), PluginError);
}

TEST_CASE("P-RM-03 the pairwise loss is finite for any rewards") {
  at::Tensor chosen = vec({-100, 3}, at::kFloat).requires_grad_();
  const at::Tensor loss = bradley_terry_loss(chosen, vec({100, 1}, at::kFloat));
  check_close(loss, vec({200.0, 0.126928}), 1e-6);
  loss.sum().backward();
  check_close(chosen.grad(), vec({-1, -0.119203}));
}

TEST_CASE("P-RM-04 margins are subtracted pair by pair and never broadcast") {
  const at::Tensor chosen = vec({2, 0}), rejected = vec({0, 1}), margin = vec({1, 0.5});
  CHECK(bradley_terry_loss(chosen, rejected, margin).mean().item<double>() == Approx(1.007337).margin(1e-6));
  CHECK_THROWS_AS(bradley_terry_loss(chosen.unsqueeze(1), rejected.unsqueeze(1), margin), PluginError);
  CHECK_THROWS_AS(bradley_terry_loss(chosen, rejected.unsqueeze(1)), PluginError);
  CHECK_THROWS_WITH(bradley_terry_loss(chosen, rejected, margin.unsqueeze(1)),
                    ContainsSubstring("margin_P has shape [2, 1]"));
}

TEST_CASE("P-RM-05 ties are neither right nor wrong") {
  const PairAccuracy accuracy = pair_accuracy(vec({0.4, 1, 0}), vec({0, 1, 0.2}));
  CHECK(accuracy.pairs == 3);
  CHECK(accuracy.accuracy == Approx(0.333333).margin(1e-6));
  CHECK(accuracy.tie_rate == Approx(0.333333).margin(1e-6));
  CHECK(accuracy.mean_margin == Approx(0.2 / 3));
  CHECK(pair_accuracy(vec({}), vec({})).pairs == 0);
  CHECK_THROWS_AS(pair_accuracy(vec({kNan}), vec({0})), DataError);
}

TEST_CASE("P-RM-06 normalisation uses the population deviation and stays as fitted") {
  const at::Tensor raw = vec({1, 2, 4, 5});
  const RewardNormalisation both = fit_gain_and_bias(raw);
  CHECK(both.gain == Approx(0.632456).margin(1e-6));
  CHECK(both.bias == Approx(-1.897367).margin(1e-6));
  CHECK(both.apply(raw).mean().item<double>() == Approx(0).margin(1e-12));
  CHECK(both.apply(raw).std(false).item<double>() == Approx(1));
  check_close(both.apply(vec({10})), vec({10 * 0.632456 - 1.897367}), 1e-5);
  const RewardNormalisation bias = fit_bias(raw);
  CHECK(bias.gain == 1);
  CHECK(bias.bias == -3);
  CHECK_THROWS_AS(fit_gain_and_bias(vec({2, 2, 2})), DataError);
  CHECK_THROWS_AS(fit_gain_and_bias(vec({})), DataError);
  CHECK_THROWS_AS(fit_bias(vec({1, kNan})), DataError);
}

TEST_CASE("the pairs of a prompt share one vote") {
  // Six pairs of a ranking of four, one pair, and two pairs of which one stands apart.
  check_close(pair_weights(ids({7, 7, 7, 7, 7, 7, -2, 9, 9})),
              vec({1 / 6., 1 / 6., 1 / 6., 1 / 6., 1 / 6., 1 / 6., 1, 0.5, 0.5}), 1e-7);
  check_close(pair_weights(ids({3, 1, 3})), vec({0.5, 1, 0.5}));
}

TEST_CASE("centring pulls the sum of the rewards to zero") {
  const at::Tensor plain = bradley_terry_loss(vec({3, 1}), vec({1, -1}));
  check_close(bradley_terry_loss(vec({3, 1}), vec({1, -1}), {}, 0.01), plain + vec({0.16, 0}));
}

TEST_CASE("calibration compares the confidence in the preferred answer with how often it was right") {
  // Confidence sigmoid(ln 3) = 0.75 in three pairs of which two are right, and a tie (0.5, half right).
  const double m = std::log(3.0);
  const Calibration result = pair_calibration(vec({m, m, 0, 1}), vec({0, 0, m, 1}));
  CHECK(result.bins[4].pairs == 3);  // (0.70, 0.75]: the upper edge belongs to the bin below
  CHECK(result.bins[4].confidence == Approx(0.75));
  CHECK(result.bins[4].accuracy == Approx(2 / 3.));
  CHECK(result.bins[0].pairs == 1);
  CHECK(result.bins[0].accuracy == 0.5);
  CHECK(result.expected_error == Approx(0.75 * (0.75 - 2 / 3.)));
  CHECK(result.brier == Approx((2 * 0.0625 + 0.5625 + 0.25) / 4));
  const Calibration sure = pair_calibration(vec({800, 0}), vec({0, 800}));
  CHECK(sure.bins[9].pairs == 2);
  CHECK(sure.expected_error == Approx(0.5));
  CHECK(sure.brier == Approx(0.5));
  CHECK(pair_calibration(vec({}), vec({})).expected_error == 0);
}

namespace {

PairLogProbs one_pair(double chosen, double rejected) { return {vec({chosen}), vec({rejected}), vec({0}), vec({0})}; }

}  // namespace

TEST_CASE("P-DPO-01 ipo works on averaged log-ratios") {
  PairLogProbs pair = one_pair(-6, -12);
  pair.reference_chosen_P = vec({-12});    // 6 over 4 tokens: 1.5
  pair.reference_rejected_P = vec({-13});  // 1 over 2 tokens: 0.5
  pair.chosen_tokens_P = ids({4});
  pair.rejected_tokens_P = ids({2});
  const DpoTerms terms = dpo_loss(pair, {DpoLoss::kIpo, 0.1});
  check_close(terms.loss_P, vec({16}));
  check_close(terms.chosen_rewards_P, vec({0.6}));  // rewards are of the sums, whatever the loss
  pair.chosen_tokens_P = ids({0});
  CHECK_THROWS_AS(dpo_loss(pair, {DpoLoss::kIpo, 0.1}), DataError);
  pair.chosen_tokens_P = at::Tensor();
  CHECK_THROWS_AS(dpo_loss(pair, {DpoLoss::kIpo, 0.1}), PluginError);
}

TEST_CASE("P-DPO-02 log-probabilities of padding are not in the sum") {
  at::Tensor log_probs = rows({{-1, -2, -7, -7}, {-1, -2, kNan, -kInfinity}}).requires_grad_();
  const at::Tensor sums = masked_sum(log_probs, rows({{1, 1, 0, 0}, {1, 1, 0, 0}}));
  check_close(sums, vec({-3, -3}));
  sums.sum().backward();
  check_close(log_probs.grad(), rows({{1, 1, 0, 0}, {1, 1, 0, 0}}));
  check_close(masked_sum(log_probs, at::zeros({2, 4})), vec({0, 0}));
  CHECK_THROWS_AS(masked_sum(log_probs, at::zeros({1, 4})), PluginError);
}

TEST_CASE("P-DPO-03 each answer of a pair is cut by its own length") {
  CHECK(kept_answer_tokens(0, 6, 4) == 4);
  CHECK(kept_answer_tokens(0, 1, 4) == 1);
  CHECK(kept_answer_tokens(3, 6, 4) == 1);
  CHECK(kept_answer_tokens(9, 6, 4) == 0);
}

TEST_CASE("P-DPO-04 the implicit reward is of the answer only") {
  // Log-ratio 0.7 on the prompt's token and 0.2 on the answer's.
  const at::Tensor answer = row({0, 1}), zero = row({0, 0});
  const PairLogProbs pair{masked_sum(row({0.7, 0.2}), answer), masked_sum(row({0.7, -0.1}), answer),
                          masked_sum(zero, answer), masked_sum(zero, answer)};
  const DpoTerms terms = dpo_loss(pair, {DpoLoss::kSigmoid, 0.5});
  check_close(terms.chosen_rewards_P, vec({0.1}));
  check_close(terms.rejected_rewards_P, vec({-0.05}));
}

TEST_CASE("dpo: far away log-ratios stay finite and settings are checked") {
  check_close(dpo_loss(one_pair(-5000, 5000), {DpoLoss::kSigmoid, 1}).loss_P, vec({10000}));
  check_close(dpo_loss(one_pair(-5000, 5000), {DpoLoss::kHinge, 1}).loss_P, vec({10001}));
  check_close(dpo_loss(one_pair(0, 0), {DpoLoss::kSigmoid, 0.1, 0.2}).loss_P, vec({std::log(2.0)}));
  check_close(dpo_loss(one_pair(0, 0), {DpoLoss::kRobust, 0.1, 0.2}).loss_P, vec({std::log(2.0)}));
  CHECK_THROWS_AS(dpo_loss(one_pair(0, 0), {DpoLoss::kSigmoid, 0}), ConfigError);
  CHECK_THROWS_AS(dpo_loss(one_pair(0, 0), {DpoLoss::kRobust, 0.1, 0.5}), ConfigError);
  CHECK_THROWS_AS(dpo_loss(one_pair(0, 0), {DpoLoss::kHinge, 0.1, 0.1}), ConfigError);
  PairLogProbs wrong = one_pair(0, 0);
  wrong.reference_rejected_P = vec({0, 0});
  CHECK_THROWS_AS(dpo_loss(wrong, {}), PluginError);
}

TEST_CASE("kto: the baseline is never below zero, has no gradient, and wrong shapes are refused") {
  at::Tensor policy = vec({-1, -2}).requires_grad_();
  const at::Tensor baseline = kto_baseline(policy, vec({-2, -2}));
  CHECK(baseline.item<double>() == Approx(0.5));
  CHECK_FALSE(baseline.requires_grad());
  CHECK(kto_baseline(policy, vec({5, 5})).item<double>() == 0);
  CHECK_THROWS_AS(kto_baseline(vec({}), vec({})), DataError);
  // At r = z a desirable and an undesirable answer cost half their weights.
  const KtoTerms terms = kto_loss(vec({-1, -1}), vec({-1.5, -1.5}), ids({1, 0}), baseline, {0.3, 1.2, 0.8});
  check_close(terms.loss_B, vec({0.6, 0.4}));
  check_close(terms.rewards_B, vec({0.15, 0.15}));
  CHECK_THROWS_AS(kto_loss(policy, vec({0}), ids({1, 0}), baseline, {}), PluginError);
  CHECK_THROWS_AS(kto_loss(policy, vec({0, 0}), ids({1, 0}), vec({0, 0}), {}), PluginError);
  CHECK_THROWS_AS(kto_loss(policy, vec({0, 0}), ids({1, 0}), baseline, {0.1, -1, 1}), ConfigError);
}
