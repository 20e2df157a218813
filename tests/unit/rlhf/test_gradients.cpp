// Gradients of every differentiable function against finite differences in float64, and the gradients of KL estimators
// against those of the KL divergences themselves, with the expectation over the vocabulary taken exactly.
#include "support.h"
#include "temper/policy_gradient.h"
#include "temper/preference.h"

using namespace temper;
using namespace temper::test;

namespace {

using Function = std::function<at::Tensor(const at::Tensor&)>;

at::Tensor wave(at::IntArrayRef shape, double scale, double phase) {
  return (at::sin(at::arange(c10::multiply_integers(shape), at::kDouble) * 1.7 + phase) * scale).reshape(shape);
}

void check_gradient(const Function& function, const at::Tensor& point) {
  const at::Tensor exact = gradient(function, point);
  CHECK(exact.abs().max().item<double>() > 1e-3);  // a gradient that is 0 everywhere would prove nothing
  check_close(exact, finite_differences(function, point), 1e-7);
}

const at::Tensor& mask_34() {
  static const at::Tensor mask = rows({{1, 1, 1, 0}, {0, 1, 1, 1}, {1, 0, 1, 0}});
  return mask;
}

/// Expectation over the policy's own samples of a per-token loss: all V tokens as one row, weighted by probability.
at::Tensor expected_gradient(const Function& loss_of_log_probs, const at::Tensor& logits_V) {
  return gradient(
      [&](const at::Tensor& logits) {
        const at::Tensor log_probs_1V = at::log_softmax(logits, 0).unsqueeze(0);
        return (log_probs_1V.exp().detach() * loss_of_log_probs(log_probs_1V)).sum();
      },
      logits_V);
}

}  // namespace

TEST_CASE("gradients of the preference losses equal finite differences") {
  const at::Tensor other = wave({5}, 2, 0.3), margin = wave({5}, 0.5, 1);
  const at::Tensor point = wave({5}, 2, 2);
  check_gradient([&](const at::Tensor& x) { return bradley_terry_loss(x, other, margin, 0.05).sum(); }, point);
  check_gradient([&](const at::Tensor& x) { return bradley_terry_loss(other, x).sum(); }, point);
  for (const DpoSettings& settings : {DpoSettings{DpoLoss::kSigmoid, 0.7, 0.1}, DpoSettings{DpoLoss::kRobust, 0.7, 0.2},
                                      DpoSettings{DpoLoss::kIpo, 0.3}, DpoSettings{DpoLoss::kHinge, 0.2}}) {
    const at::Tensor tokens = ids({1, 2, 3, 4, 5});
    check_gradient(
        [&](const at::Tensor& x) {
          return dpo_loss({x, other, margin, margin, tokens, tokens}, settings).loss_P.sum();
        },
        point);
    check_gradient(
        [&](const at::Tensor& x) {
          return dpo_loss({other, x, margin, margin, tokens, tokens}, settings).loss_P.sum();
        },
        point);
  }
  check_gradient(
      [&](const at::Tensor& x) {
        return kto_loss(x, other, ids({1, 0, 1, 1, 0}), at::full({}, 0.4, at::kDouble), {0.6, 1.1, 0.9}).loss_B.sum();
      },
      point);
  check_gradient([&](const at::Tensor& x) { return masked_sum(x, mask_34()).square().sum(); }, wave({3, 4}, 1, 0));
  check_gradient([&](const at::Tensor& x) { return values_at(x, ids({0, 3, 2})).square().sum(); }, wave({3, 4}, 1, 0));
}

TEST_CASE("gradients of the policy gradient losses equal finite differences") {
  const at::Tensor old = wave({3, 4}, 1, 0.5), advantages = wave({3, 4}, 1.5, 1);
  const at::Tensor point = old + wave({3, 4}, 0.5, 3);
  for (const ClipRange& clip : {ClipRange{0.2, 0.2}, ClipRange{0.1, 0.4}, ClipRange{1, 100}}) {
    check_gradient([&](const at::Tensor& x) { return policy_loss(x, old, advantages, mask_34(), clip).sum(); }, point);
    check_gradient(
        [&](const at::Tensor& x) {
          return policy_loss(x, old, vec({1, -0.7, 0.2}), mask_34(), clip).sum();
        },
        point);
  }
  for (const std::optional<double> clip : {std::optional<double>(0.2), std::optional<double>()}) {
    check_gradient([&](const at::Tensor& x) { return value_loss(x, old, advantages, mask_34(), clip).sum(); }, point);
  }
  for (const KlEstimator estimator : {KlEstimator::kAbs, KlEstimator::kK2, KlEstimator::kK3}) {
    check_gradient(
        [&](const at::Tensor& x) { return kl_loss(x, old, mask_34(), estimator, KlGradient::kOfEstimator).sum(); }, point);
  }
  for (const Aggregation kind : {Aggregation::kTokenMean, Aggregation::kSequenceMean, Aggregation::kConstantLength}) {
    check_gradient(
        [&](const at::Tensor& x) {
          const WeightedLoss loss = aggregate(x.square(), mask_34(), kind, 5);
          return loss.sum / loss.weight;
        },
        point);
  }
  check_gradient([&](const at::Tensor& x) { return masked_mean(x.square(), mask_34()); }, point);
}

TEST_CASE("the KL in the loss has the gradient of the reverse KL, whichever estimator gives its value") {
  const at::Tensor logits = wave({7}, 1.5, 0.2), reference = at::log_softmax(wave({7}, 1.2, 2), 0).unsqueeze(0);
  const at::Tensor mask = at::ones({1, 7});
  const at::Tensor reverse = gradient(
      [&](const at::Tensor& x) {
        const at::Tensor log_probs = at::log_softmax(x, 0);
        return (log_probs.exp() * (log_probs - reference[0])).sum();
      },
      logits);
  const at::Tensor forward = gradient(
      [&](const at::Tensor& x) { return (reference[0].exp() * (reference[0] - at::log_softmax(x, 0))).sum(); }, logits);
  REQUIRE(largest_error(reverse, forward) > 0.01);
  for (const KlEstimator estimator : {KlEstimator::kK1, KlEstimator::kAbs, KlEstimator::kK2, KlEstimator::kK3}) {
    const auto loss = [&](const at::Tensor& x) { return kl_loss(x, reference, mask, estimator); };
    check_close(expected_gradient(loss, logits), reverse, 1e-12);
    const at::Tensor log_probs = at::log_softmax(logits, 0).unsqueeze(0);
    check_close(loss(log_probs), kl_values(log_probs, reference, mask, estimator), 1e-15);
  }
  // What the header says of the formulas themselves.
  const auto of = [&](KlEstimator estimator) {
    return expected_gradient([&](const at::Tensor& x) { return kl_values(x, reference, mask, estimator); }, logits);
  };
  check_close(of(KlEstimator::kK1), at::zeros({7}, at::kDouble), 1e-12);
  check_close(of(KlEstimator::kK2), reverse, 1e-12);
  check_close(of(KlEstimator::kK3), forward, 1e-12);
  CHECK_THROWS_AS(kl_loss(reference, reference, mask, KlEstimator::kK1, KlGradient::kOfEstimator), ConfigError);
  // k1 in the reward: -d as advantage, through the policy loss at ratio 1.
  const at::Tensor sampled = at::log_softmax(logits, 0).unsqueeze(0);
  const at::Tensor penalty = -kl_values(sampled, reference, mask, KlEstimator::kK1);
  check_close(expected_gradient([&](const at::Tensor& x) { return policy_loss(x, sampled, penalty, mask, {}); }, logits),
              reverse, 1e-12);
}

TEST_CASE("constants get no gradient") {
  at::Tensor policy = wave({3, 4}, 1, 0).requires_grad_(), other = wave({3, 4}, 1, 1).requires_grad_();
  at::Tensor third = wave({3, 4}, 1, 2).requires_grad_();
  (policy_loss(policy, other, third, mask_34(), {}) + kl_loss(policy, other, mask_34(), KlEstimator::kK3) +
   value_loss(policy, other, third, mask_34(), 0.2))
      .sum()
      .backward();
  CHECK(policy.grad().defined());
  CHECK_FALSE(other.grad().defined());
  CHECK_FALSE(third.grad().defined());
  const Advantages advantages = generalised_advantages(policy, other, mask_34(), 1, 0.9);
  CHECK_FALSE(advantages.advantages_BR.requires_grad());
  CHECK_FALSE(advantages.returns_BR.requires_grad());
  CHECK_FALSE(whiten(policy, mask_34()).requires_grad());
  CHECK_FALSE(token_rewards(policy.select(1, 0), other, mask_34(), 0.1).requires_grad());
  CHECK_FALSE(group_advantages(policy.select(1, 0), 3, GroupBaseline::kGrpo).requires_grad());
}
