// The policy gradient mathematics on small numbers: the cases P-PPO-* of the public bug reports that need no model (and
// P-GEN-06, P-LOSS-01, -02, -03 where they meet it), and the edges.
#include "support.h"
#include "temper/loss.h"
#include "temper/policy_gradient.h"
#include "temper/preference.h"

using namespace temper;
using namespace temper::test;

namespace {

double kl_mean(const std::vector<double>& d, KlEstimator estimator) {
  const at::Tensor policy = row(d), mask = at::ones_like(policy);
  return masked_mean(kl_values(policy, at::zeros_like(policy), mask, estimator), mask).item<double>();
}

constexpr KlEstimator kEstimators[] = {KlEstimator::kK1, KlEstimator::kAbs, KlEstimator::kK2, KlEstimator::kK3};

}  // namespace

TEST_CASE("P-PPO-01 KL estimators of samples from the policy") {
  CHECK(kl_mean({1.0, -0.2, 0.4}, KlEstimator::kK1) == Approx(0.4));
  CHECK(kl_mean({1.0, -0.2, 0.4}, KlEstimator::kK2) == Approx(0.2));
  CHECK(kl_mean({1.0, -0.2, 0.4}, KlEstimator::kK3) == Approx(0.153201).margin(1e-6));
  CHECK(kl_mean({1.0, -0.2, 0.4}, KlEstimator::kAbs) == Approx(1.6 / 3));
  CHECK(kl_mean({-0.2}, KlEstimator::kK3) > 0);
  CHECK(kl_mean({1e-9}, KlEstimator::kK3) >= 0);
}

TEST_CASE("P-PPO-02 the score lies on the last real token") {
  const at::Tensor mask = row({1, 1, 1, 0, 0});
  // A coefficient of 1 on a KL of [.1, .2, .3], and rubbish on the padding.
  const at::Tensor rewards = token_rewards(vec({1}), row({0.1, 0.2, 0.3, 7, kNan}), mask, 1.0);
  check_close(rewards, row({-0.1, -0.2, 0.7, 0, 0}));
  check_close(masked_sum(rewards, mask), vec({0.4}));
  check_close(token_rewards(vec({1, 2}), {}, rows({{1, 1, 1}, {0, 1, 0}}), 0.5), rows({{0, 0, 1}, {0, 2, 0}}));
  CHECK_THROWS_AS(token_rewards(vec({1}), {}, row({0, 0}), 1.0), DataError);
  CHECK_THROWS_AS(token_rewards(vec({1, 2}), {}, row({1, 1}), 1.0), PluginError);
}

TEST_CASE("P-PPO-03 a truncated answer is continued by its value") {
  const at::Tensor rewards = row({0, 0, 0}), values = row({0.5, 0.4, 0.3}), mask = at::ones({1, 3});
  check_close(generalised_advantages(rewards, values, mask, 1, 0.95, vec({0.2})).advantages_BR,
              row({-0.28525, -0.195, -0.1}));
  const Advantages terminal = generalised_advantages(rewards, values, mask, 1, 0.95);
  check_close(terminal.advantages_BR, row({-0.46575, -0.385, -0.3}));
  check_close(terminal.returns_BR, row({0.03425, 0.015, 0}));
  check_close(generalised_advantages(rewards, values, mask, 1, 0.95, vec({0})).advantages_BR, terminal.advantages_BR);
}

TEST_CASE("P-PPO-04 what lies on padding reaches no advantage") {
  const at::Tensor mask = row({1, 1, 1, 0, 0});
  const at::Tensor expected = row({0.968, 0.52, 0.8, 0, 0});
  for (const double padding : {9.0, kNan, -kInfinity}) {
    const Advantages result =
        generalised_advantages(row({0, 0.2, 1, 0, padding}), row({0.1, 0.6, 0.2, padding, padding}), mask, 1, 0.9);
    check_close(result.advantages_BR, expected);
    check_close(result.returns_BR, row({1.068, 1.12, 1.0, 0, 0}));
  }
}

TEST_CASE("P-PPO-05 masked tokens in between are no steps") {
  const Advantages result = generalised_advantages(row({0, 0, 1}), row({0.5, 9, 0.3}), row({1, 0, 1}), 1, 0.9);
  check_close(result.advantages_BR, row({0.43, 0, 0.7}));
  CHECK_THROWS_AS(generalised_advantages(row({0}), row({0}), row({1}), 1.5, 0.9), ConfigError);
  CHECK_THROWS_AS(generalised_advantages(row({0}), row({0}), row({1}), 1, 0.9, row({1})), PluginError);
}

TEST_CASE("P-PPO-06 whitening sees real tokens only") {
  const at::Tensor values = row({1, 3, 100, kNan}), mask = row({1, 1, 0, 0});
  check_close(whiten(values, mask, Whitening::kZeroMean, 0), row({-1, 1, 0, 0}));
  check_close(whiten(values, mask, Whitening::kZeroMean, 1), row({-0.707107, 0.707107, 0, 0}));
  // One token: no deviation, so its distance from the mean, 0.
  check_close(whiten(row({5, 9}), row({1, 0})), row({0, 0}));
  check_close(whiten(row({5, 9}), row({0, 0})), row({0, 0}));
  RunningMoments both;  // moments of two ranks: values 1, 3 here and 5, 7 there
  both.add(vec({1, 3}));
  RunningMoments other;
  other.add(vec({5, 7}));
  both.add(other);
  check_close(whiten(values, mask, Whitening::kZeroMean, 0, both), row({-3 / std::sqrt(5.), -1 / std::sqrt(5.), 0, 0}));
}

TEST_CASE("P-PPO-07 three whitenings with three names") {
  const at::Tensor values = row({1, 2, 3}), mask = at::ones({1, 3});
  check_close(whiten(values, mask, Whitening::kKeepMean, 0), row({0.775255, 2, 3.224745}));
  check_close(whiten(values, mask, Whitening::kScaleOnly, 0), row({1.224745, 2.44949, 3.674235}));
  check_close(whiten(values, mask, Whitening::kZeroMean, 0), row({-1.224745, 0, 1.224745}));
  check_close(whiten(row({4, 4}), row({1, 1}), Whitening::kKeepMean), row({4, 4}));
  CHECK_THROWS_AS(whiten(row({4, 4}), row({1, 1}), Whitening::kScaleOnly), DataError);
}

TEST_CASE("P-PPO-08 the clipped value loss is the larger one") {
  const at::Tensor mask = row({1});
  check_close(value_loss(row({1.5}), row({0.5}), row({2.0}), mask, 0.2), row({0.845}));
  check_close(value_loss(row({1.5}), row({0.5}), row({2.0}), mask, std::nullopt), row({0.125}));
  CHECK(value_clip_fraction(row({1.5, 0.6}), row({0.5, 0.5}), row({2.0, 2.0}), row({1, 1}), 0.2) == Approx(0.5));
  CHECK(value_clip_fraction(row({1.5}), row({0.5}), row({2.0}), row({0}), 0.2) == 0);
  CHECK_THROWS_AS(value_loss(row({1}), row({1}), row({1}), mask, 0.0), ConfigError);
  check_close(value_loss(row({kNan}), row({kNan}), row({kNan}), row({0}), 0.2), row({0}));
}

TEST_CASE("P-PPO-09 clipping is pessimistic for either sign of the advantage") {
  const at::Tensor policy = row({1.5, 0.5, 1.5, 0.5}).log(), old = at::zeros({1, 4}), mask = at::ones({1, 4});
  const at::Tensor advantages = row({-1, -1, 1, 1});
  check_close(policy_loss(policy, old, advantages, mask, {}), row({1.5, 0.8, -1.2, -0.5}));
  const UpdateStats stats = update_stats(policy, old, advantages, mask, {});
  CHECK(stats.clip_low == 0.25);   // ratio 0.5 with A = -1
  CHECK(stats.clip_high == 0.25);  // ratio 1.5 with A = 1
  CHECK(stats.max_ratio_error == Approx(0.5));
  CHECK(stats.mean_ratio_error == Approx(0.5));
  CHECK(stats.ratio == Approx(1.0));
  check_close(policy_loss(policy, old, advantages, mask, {0.1, 0.6}), row({1.5, 0.9, -1.5, -0.5}));
  CHECK_THROWS_AS(policy_loss(policy, old, advantages, mask, {-0.1, 0.2}), ConfigError);
}

TEST_CASE("P-PPO-10 the ratio is new over old") {
  const at::Tensor mask = row({1});
  check_close(policy_loss(row({-1.0}), row({-1.5}), row({-1}), mask, {1.0, 9.0}), row({1.648721}));
  CHECK(update_stats(row({-1.0}), row({-1.5}), row({-1}), mask, {}).ratio == Approx(1.648721).margin(1e-6));
}

TEST_CASE("before any update the ratio is 1 and nothing is clipped") {
  const at::Tensor policy = rows({{-1, -2, kNan}, {-0.5, -3, -kInfinity}}), mask = rows({{1, 1, 0}, {1, 1, 0}});
  const UpdateStats stats = update_stats(policy, policy, vec({1, -1}), mask, {});
  CHECK(stats.tokens == 4);
  CHECK(stats.ratio == 1);
  CHECK(stats.max_ratio_error == 0);
  CHECK(stats.mean_ratio_error == 0);
  // One token of four that is off by a half: the mean shows it as well.
  const UpdateStats one_off =
      update_stats(rows({{-1, -2, kNan}, {-0.5, -3 + std::log(1.5), 0}}), policy, vec({1, -1}), mask, {});
  CHECK(one_off.max_ratio_error == Approx(0.5));
  CHECK(one_off.mean_ratio_error == Approx(0.125));
  CHECK(stats.clip_low + stats.clip_high + stats.approx_kl + stats.approx_kl_k2 == 0);
  CHECK(update_stats(policy, policy, vec({1, -1}), at::zeros({2, 3}), {}).tokens == 0);
}

TEST_CASE("P-PPO-12 log-probabilities are those of the sampling temperature") {
  const at::Tensor logits = row({2, 1, 0}, at::kFloat);
  CHECK(token_log_probs(logits, at::eye(3), ids({0}), 0.5).log_probs_N.item<double>() == Approx(-0.142932).margin(1e-6));
  CHECK(token_log_probs(logits, at::eye(3), ids({0})).log_probs_N.item<double>() == Approx(-0.407606).margin(1e-6));
}

TEST_CASE("P-PPO-13 three aggregations with three names") {
  const at::Tensor loss = rows({{4, kNan, kNan, 9}, {1, 1, 1, 9}}), mask = rows({{1, 0, 0, 0}, {1, 1, 1, 0}});
  const auto mean = [&](Aggregation kind) {
    const WeightedLoss result = aggregate(loss, mask, kind, 4);
    return result.sum.item<double>() / result.weight;
  };
  CHECK(mean(Aggregation::kSequenceMean) == Approx(2.5));
  CHECK(mean(Aggregation::kTokenMean) == Approx(1.75));
  CHECK(mean(Aggregation::kConstantLength) == Approx(0.875));
  CHECK_THROWS_AS(aggregate(loss, mask, Aggregation::kConstantLength), ConfigError);
}

TEST_CASE("P-LOSS-01, -02, -03 sums and weights of parts give the loss of the whole") {
  at::Tensor whole_loss = at::rand({5, 6}, at::kDouble);
  at::Tensor mask = at::ones({5, 6});
  mask[1].narrow(0, 2, 4).zero_();
  mask[3].zero_();  // a micro-batch of its own without a single token
  for (const Aggregation kind : {Aggregation::kTokenMean, Aggregation::kSequenceMean, Aggregation::kConstantLength}) {
    at::Tensor leaf = whole_loss.clone().requires_grad_();
    const WeightedLoss whole = aggregate(leaf, mask, kind, 6);
    (whole.sum / whole.weight).backward();
    at::Tensor parts_leaf = whole_loss.clone().requires_grad_();
    double sum = 0, weight = 0;
    for (const auto& [from, count] : {std::pair<int, int>{0, 3}, {3, 1}, {4, 1}}) {
      const WeightedLoss part = aggregate(parts_leaf.narrow(0, from, count), mask.narrow(0, from, count), kind, 6);
      (part.sum / whole.weight).backward();
      sum += part.sum.item<double>();
      weight += part.weight;
    }
    CHECK(weight == whole.weight);
    CHECK(sum / weight == Approx((whole.sum / whole.weight).item<double>()));
    check_close(parts_leaf.grad(), leaf.grad(), 1e-12);
  }
  const WeightedLoss nothing = aggregate(row({kNan}).requires_grad_(), row({0}), Aggregation::kSequenceMean);
  CHECK(nothing.sum.item<double>() == 0);
  CHECK(nothing.weight == 0);
}

TEST_CASE("P-PPO-14 advantages are of the group, and 0 where all are equal") {
  const at::Tensor scores = vec({1, 0, 0, 1, 1, 1, 1, 1});
  const double one = 0.865875, zero = 0.9998;
  check_close(group_advantages(scores, 4, GroupBaseline::kGrpo), vec({one, -one, -one, one, 0, 0, 0, 0}));
  check_close(group_advantages(scores, 4, GroupBaseline::kGrpo, 0), vec({zero, -zero, -zero, zero, 0, 0, 0, 0}), 1e-5);
  check_close(group_advantages(scores, 4, GroupBaseline::kDrGrpo), vec({0.5, -0.5, -0.5, 0.5, 0, 0, 0, 0}));
  check_close(group_advantages(scores, 4, GroupBaseline::kRloo), vec({2 / 3., -2 / 3., -2 / 3., 2 / 3., 0, 0, 0, 0}));
  for (const auto kind : {GroupBaseline::kGrpo, GroupBaseline::kDrGrpo, GroupBaseline::kRloo}) {
    const at::Tensor equal = group_advantages(at::full({7}, 0.1), 7, kind);
    CHECK(equal.abs().max().item<double>() == 0);  // exactly, though 0.1 * 7 / 7 need not be 0.1
    CHECK_THROWS_AS(group_advantages(scores, 1, kind), ConfigError);
    CHECK_THROWS_AS(group_advantages(scores, 3, kind), ConfigError);
  }
}

TEST_CASE("P-PPO-15 rejected tokens carry no reward") {
  const at::Tensor scores = masked_sum(rows({{0, 1}, {0, 0}}), rows({{1, 0}, {1, 1}}));
  check_close(scores, vec({0, 0}));
  for (const auto kind : {GroupBaseline::kGrpo, GroupBaseline::kDrGrpo, GroupBaseline::kRloo}) {
    CHECK(group_advantages(scores, 2, kind).abs().max().item<double>() == 0);
  }
}

TEST_CASE("P-PPO-17 an answer ends with its first EOS, which is part of it") {
  const std::int64_t eos[] = {2};
  const ResponseMask result = response_mask(ids({7, 2, 9, 2, 7, 8, 9, 4}).view({2, 4}), eos);
  check_close(result.mask_BR, rows({{1, 1, 0, 0}, {1, 1, 1, 1}}));
  CHECK(result.lengths_B.equal(ids({2, 4})));
  CHECK(result.finished_B.to(at::kLong).equal(ids({1, 0})));
}

TEST_CASE("P-GEN-06 any of several EOS ids ends an answer, and lengths bound cut rows") {
  const std::int64_t eos[] = {1, 107};
  const ResponseMask result = response_mask(ids({9, 4, 107, 5, 1}).view({1, 5}), eos);
  check_close(result.mask_BR, row({1, 1, 1, 0, 0}));
  CHECK(result.finished_B.item<bool>());
  // The filler of a row cut after two tokens is an EOS id: the row is still not finished.
  const ResponseMask cut = response_mask(ids({9, 4, 1, 1, 9, 1, 1, 1}).view({2, 4}), eos, ids({2, 2}));
  check_close(cut.mask_BR, rows({{1, 1, 0, 0}, {1, 1, 0, 0}}));
  CHECK(cut.finished_B.to(at::kLong).equal(ids({0, 1})));
  check_close(response_mask(ids({9, 1}).view({1, 2}), {}).mask_BR, row({1, 1}));
  CHECK_THROWS_AS(response_mask(ids({9, 1}).view({1, 2}), eos, ids({3})), PluginError);
}

TEST_CASE("P-PPO-18 the KL that is logged is the one that is used") {
  const at::Tensor policy = row({0.5, -0.5}), reference = row({0, 0}), mask = row({1, 1});
  const double beta = 0.3;
  const at::Tensor kl = kl_values(policy, reference, mask, KlEstimator::kAbs);
  CHECK(masked_mean(kl, mask).item<double>() == Approx(0.5));
  CHECK(masked_mean(token_rewards(vec({0}), kl, mask, beta), mask).item<double>() == Approx(-0.5 * beta));
}

TEST_CASE("log-probabilities on padding reach neither KL nor loss nor gradient") {
  const at::Tensor mask = row({1, 0, 0, 0});
  const at::Tensor other = row({-2, kNan, -kInfinity, -1});
  for (const KlEstimator estimator : kEstimators) {
    at::Tensor policy = row({-1, -kInfinity, -kInfinity, kNan}).requires_grad_();
    const at::Tensor kl = kl_loss(policy, other, mask, estimator);
    CHECK(kl.isfinite().all().item<bool>());
    kl.sum().backward();
    check_close(policy.grad(), row({1, 0, 0, 0}));  // k2's gradient is d = 1
  }
  at::Tensor policy = row({-1, -kInfinity, -kInfinity, kNan}).requires_grad_();
  policy_loss(policy, other, row({2, kNan, 1, 1}), mask, {0.5, 5}).sum().backward();
  check_close(policy.grad(), row({-2 * std::exp(1.0), 0, 0, 0}));
  check_close(masked_mean(other, at::zeros({1, 4})), at::zeros({}));
}

TEST_CASE("explained variance") {
  const at::Tensor mask = row({1, 1, 1, 0}), returns = row({1, 2, 3, kNan});
  CHECK(explained_variance(returns, returns, mask).value() == Approx(1));
  CHECK(explained_variance(row({2, 2, 2, 0}), returns, mask).value() == Approx(0).margin(1e-12));
  CHECK(explained_variance(row({3, 2, 1, 0}), returns, mask).value() == Approx(-3));
  CHECK_FALSE(explained_variance(returns, row({4, 4, 4, 0}), mask).has_value());
  CHECK_FALSE(explained_variance(returns, returns, at::zeros({1, 4})).has_value());
}

TEST_CASE("shapes that do not match are refused, with both named") {
  const at::Tensor a = at::zeros({2, 3}), b = at::zeros({2, 1}), mask = at::ones({2, 3});
  CHECK_THROWS_WITH(kl_values(a, b, mask, KlEstimator::kK1), ContainsSubstring("[2, 1], expected [2, 3]"));
  CHECK_THROWS_AS(policy_loss(a, a, at::zeros({3}), mask, {}), PluginError);
  CHECK_THROWS_AS(policy_loss(a, a, b, mask, {}), PluginError);
  CHECK_THROWS_AS(value_loss(a, b, a, mask, 0.2), PluginError);
  CHECK_THROWS_AS(whiten(a, b), PluginError);
  CHECK_THROWS_AS(aggregate(a, b, Aggregation::kTokenMean), PluginError);
}

TEST_CASE("half types are computed in float32, masks may be numbers") {
  const at::Tensor policy = row({-1.0, -2.0}).to(at::kBFloat16), reference = row({-1.5, -2.0}).to(at::kBFloat16);
  const at::Tensor kl = kl_values(policy, reference, row({1, 1}).to(at::kLong), KlEstimator::kK3);
  CHECK(kl.scalar_type() == at::kFloat);
  check_close(kl, row({std::exp(-0.5) - 0.5, 0}), 1e-6);
}
