// The fused linear cross-entropy against LibTorch's own and against finite differences in float64.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "catch.h"
#include "temper/batch.h"
#include "temper/loss.h"

using namespace temper;

namespace {

at::Tensor wave(at::IntArrayRef shape, double scale, double phase, at::ScalarType type = at::kFloat) {
  const at::Tensor flat = at::arange(c10::multiply_integers(shape), at::TensorOptions().dtype(at::kDouble));
  return (at::sin(flat * 0.7 + phase) * scale).to(type).reshape(shape);
}

at::Tensor labels_of(std::int64_t n, std::int64_t vocab) {
  at::Tensor labels = (at::arange(n, at::kLong) * 7 + 3).remainder(vocab);
  labels.index_put_({at::arange(0, n, 3, at::kLong)}, at::scalar_tensor(kIgnoreLabel, at::kLong));
  return labels;
}

}  // namespace

TEST_CASE("loss and gradients equal cross_entropy over full logits, also across slices") {
  // 600 positions of 20,000 logits are three slices.
  for (const auto& [n, d, v] : {std::tuple<std::int64_t, std::int64_t, std::int64_t>{10, 6, 11}, {600, 8, 20000}}) {
    const at::Tensor labels = labels_of(n, v);
    at::Tensor h1 = wave({n, d}, 1, 0).requires_grad_(), w1 = wave({v, d}, 0.5, 1).requires_grad_();
    at::Tensor h2 = h1.detach().clone().requires_grad_(), w2 = w1.detach().clone().requires_grad_();
    const SummedLoss loss = linear_cross_entropy(h1, w1, labels);
    (loss.sum * 0.5).backward();
    const at::Tensor expected = at::cross_entropy_loss(at::linear(h2, w2), labels, {}, at::Reduction::Sum, kIgnoreLabel);
    (expected * 0.5).backward();
    CHECK(loss.target_tokens == (labels != kIgnoreLabel).sum().item<std::int64_t>());
    CHECK(loss.sum.item<double>() == Approx(expected.item<double>()).epsilon(1e-6));
    CHECK(at::allclose(h1.grad(), h2.grad(), 1e-4, 1e-6));
    CHECK(at::allclose(w1.grad(), w2.grad(), 1e-4, 1e-6));
    CHECK(h1.grad()[0].abs().max().item<double>() == 0);  // an ignored position has exactly no gradient
  }
}

TEST_CASE("gradients equal finite differences") {
  const std::int64_t n = 5, d = 4, v = 7;
  const at::Tensor labels = labels_of(n, v);
  at::Tensor h = wave({n, d}, 1, 0, at::kDouble).requires_grad_(), w = wave({v, d}, 0.5, 1, at::kDouble).requires_grad_();
  linear_cross_entropy(h, w, labels).sum.backward();
  const at::NoGradGuard guard;
  const auto value = [&] {
    return at::cross_entropy_loss(at::linear(h, w), labels, {}, at::Reduction::Sum, kIgnoreLabel).item<double>();
  };
  for (at::Tensor* tensor : {&h, &w}) {
    double* data = tensor->data_ptr<double>();
    for (std::int64_t i = 0; i < tensor->numel(); i += 3) {
      const double before = data[i], eps = 1e-6;
      data[i] = before + eps;
      const double up = value();
      data[i] = before - eps;
      const double down = value();
      data[i] = before;
      CHECK(tensor->grad().flatten()[i].item<double>() == Approx((up - down) / (2 * eps)).margin(1e-5));
    }
  }
}

TEST_CASE("P-LOSS-03 a batch whose labels are all ignored costs 0 with zero gradients, not NaN") {
  at::Tensor h = wave({4, 3}, 1, 0).requires_grad_(), w = wave({5, 3}, 1, 1).requires_grad_();
  const SummedLoss loss = linear_cross_entropy(h, w, at::full({4}, kIgnoreLabel, at::kLong));
  CHECK(loss.target_tokens == 0);
  CHECK(loss.sum.item<double>() == 0);
  loss.sum.backward();
  CHECK(h.grad().abs().sum().item<double>() == 0);
  CHECK(w.grad().abs().sum().item<double>() == 0);
}

TEST_CASE("log-probabilities without gradients, and which labels are the most likely") {
  const at::Tensor h = wave({6, 3}, 1, 0), w = wave({9, 3}, 1, 1);
  const at::Tensor labels = labels_of(6, 9);
  at::Tensor greedy;
  const at::Tensor log_probs = linear_log_probs(h, w, labels, &greedy);
  const at::Tensor all = at::log_softmax(at::linear(h, w), 1);
  for (std::int64_t i = 0; i < 6; ++i) {
    const auto label = labels[i].item<std::int64_t>();
    if (label == kIgnoreLabel) {
      CHECK(log_probs[i].item<double>() == 0);
      continue;
    }
    CHECK(log_probs[i].item<double>() == Approx(all[i][label].item<double>()).margin(1e-6));
    CHECK(greedy[i].item<bool>() == (all[i].argmax().item<std::int64_t>() == label));
  }
}

TEST_CASE("token log-probabilities and entropy with their gradients equal those over full logits, at a temperature") {
  for (const auto& [n, d, v] : {std::tuple<std::int64_t, std::int64_t, std::int64_t>{10, 6, 11}, {600, 8, 20000}}) {
    const at::Tensor labels = labels_of(n, v);
    const at::Tensor counted = labels != kIgnoreLabel;
    const at::Tensor weight = wave({n}, 1, 0.3), other = wave({n}, 0.5, 0.9);
    const double temperature = 0.7;
    at::Tensor h1 = wave({n, d}, 1, 0).requires_grad_(), w1 = wave({v, d}, 0.5, 1).requires_grad_();
    at::Tensor h2 = h1.detach().clone().requires_grad_(), w2 = w1.detach().clone().requires_grad_();
    const TokenLogProbs got = token_log_probs(h1, w1, labels, temperature);
    (got.log_probs_N * weight + got.entropy_N * other).sum().backward();
    const at::Tensor all = at::log_softmax(at::linear(h2, w2) / temperature, 1);
    const at::Tensor log_probs =
        all.gather(1, labels.clamp_min(0).unsqueeze(1)).squeeze(1).masked_fill(counted.logical_not(), 0);
    const at::Tensor entropy = (-(all.exp() * all).sum(1)).masked_fill(counted.logical_not(), 0);
    (log_probs * weight + entropy * other).sum().backward();
    CHECK(at::allclose(got.log_probs_N, log_probs, 1e-5, 1e-5));
    CHECK(at::allclose(got.entropy_N, entropy, 1e-5, 1e-5));
    CHECK(at::allclose(h1.grad(), h2.grad(), 1e-4, 1e-5));
    CHECK(at::allclose(w1.grad(), w2.grad(), 1e-4, 1e-5));
  }
}

TEST_CASE("token log-probability gradients equal finite differences in float64") {
  const std::int64_t n = 5, d = 4, v = 7;
  const at::Tensor labels = labels_of(n, v);
  at::Tensor h = wave({n, d}, 1, 0, at::kDouble).requires_grad_(), w = wave({v, d}, 0.5, 1, at::kDouble).requires_grad_();
  const auto value = [&] {
    const TokenLogProbs both = token_log_probs(h, w, labels, 1.3);
    return (both.log_probs_N.exp() + both.entropy_N.square()).sum();
  };
  value().backward();
  const at::NoGradGuard guard;
  for (at::Tensor* tensor : {&h, &w}) {
    double* data = tensor->data_ptr<double>();
    for (std::int64_t i = 0; i < tensor->numel(); i += 3) {
      const double before = data[i], eps = 1e-6;
      data[i] = before + eps;
      const double up = value().item<double>();
      data[i] = before - eps;
      const double down = value().item<double>();
      data[i] = before;
      CHECK(tensor->grad().flatten()[i].item<double>() == Approx((up - down) / (2 * eps)).margin(1e-8));
    }
  }
}

TEST_CASE("P-PPO-12 log-probabilities are those at the sampling temperature") {
  const at::Tensor hidden = at::tensor({2.0F, 1.0F, 0.0F}).view({1, 3}), head = at::eye(3);
  const at::Tensor label = at::zeros({1}, at::kLong);
  CHECK(token_log_probs(hidden, head, label, 0.5).log_probs_N[0].item<double>() == Approx(-0.142932).margin(1e-6));
  CHECK(token_log_probs(hidden, head, label).log_probs_N[0].item<double>() == Approx(-0.407606).margin(1e-6));
}
