// Low-rank adapters: gradients against autograd through W0 + s B A, only targets move, adapters off is the base, state.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <map>

#include "catch.h"
#include "gpt.h"
#include "host/train/lora.h"
#include "host/train/optimizer.h"
#include "temper/batch.h"
#include "temper/loss.h"

using namespace temper;

namespace {

gpt::Gpt make_model() {
  gpt::GptParams params;
  params.d_model = 16;
  params.num_layers = 2;
  params.num_heads = 2;
  params.max_positions = 16;
  return gpt::Gpt(params, {31, 3});
}

Batch batch() {
  Example example;
  for (std::int64_t t = 0; t < 12; ++t) {
    example.ids.push_back((7 * t + 3) % 31);
    example.labels.push_back((5 * t + 1) % 31);
  }
  return pad_examples({example}, 16, 0);
}

at::Tensor loss_of(Architecture& model) {
  const Batch data = batch();
  return linear_cross_entropy(model.hidden(data.input).flatten(0, 1), model.head(), data.labels_BT.flatten()).sum;
}

TrainParams lora_params_of(std::int64_t rank) {
  TrainParams params;
  params.lora.rank = rank;
  params.lora.alpha = 8;
  params.weight_decay = 0;
  return params;
}

std::map<std::string, at::Tensor> snapshot(Architecture& model) {
  std::map<std::string, at::Tensor> weights;
  for (const auto& parameter : model.parameters()) weights[parameter.name] = parameter.tensor.detach().clone();
  return weights;
}

bool is_adapted(const std::string& name) {
  return name.find(".attn.") != std::string::npos || name.find(".mlp.") != std::string::npos;
}

}  // namespace

TEST_CASE("gradients of the adapters equal autograd's through W0 + s B A") {
  auto model = make_model();
  Lora lora(model, {4, 8, {}}, 5);
  // B as drawn is zero, which would hide A's gradient.
  for (const auto& parameter : lora.parameters()) {
    const at::NoGradGuard guard;
    if (parameter.name.find("lora_b") != std::string::npos) {
      at::Tensor b = parameter.tensor;
      b.copy_(at::sin(at::arange(b.numel(), at::kFloat)).view(b.sizes()) * 0.1);
    }
  }
  const auto base = snapshot(model);
  lora.merge();
  std::map<std::string, at::Tensor> full;
  loss_of(model).backward();
  for (const auto& parameter : model.parameters()) {
    if (parameter.tensor.grad().defined()) full[parameter.name] = parameter.tensor.grad().clone();
  }
  lora.take_gradients();
  CHECK_FALSE(lora.parameters().empty());
  for (std::size_t i = 0; i < lora.parameters().size(); i += 2) {
    const auto& a = lora.parameters()[i];
    const auto& b = lora.parameters()[i + 1];
    const std::string name = a.name.substr(0, a.name.size() - std::string(".lora_a").size());
    CAPTURE(name);
    at::Tensor a_RI = a.tensor.detach().clone().requires_grad_(), b_OR = b.tensor.detach().clone().requires_grad_();
    // d loss / d W is what autograd hands to the node that made W.
    ((base.at(name) + at::mm(b_OR, a_RI) * 2.0) * full.at(name)).sum().backward();
    CHECK(at::allclose(a.tensor.grad(), a_RI.grad(), 1e-5, 1e-7));
    CHECK(at::allclose(b.tensor.grad(), b_OR.grad(), 1e-5, 1e-7));
  }
}

TEST_CASE("training moves the targets and nothing else, and lowers the loss") {
  auto model = make_model();
  ModelOptimizer optimizer(model, lora_params_of(4), {}, 5);
  const auto before = snapshot(model);
  const double first = loss_of(model).item<double>();
  for (int step = 0; step < 20; ++step) {
    loss_of(model).backward();
    CHECK(optimizer.grad_norm() > 0);
    optimizer.step(1e-2, 12);
  }
  CHECK(loss_of(model).item<double>() < first);
  const auto after = snapshot(model);
  for (const auto& [name, tensor] : before) {
    CAPTURE(name);
    const bool matrix = tensor.dim() == 2;
    CHECK(tensor.equal(after.at(name)) == !(matrix && is_adapted(name)));
  }
  // With the adapters off the model is what it was; afterwards what it has become.
  optimizer.lora()->with_adapters_off([&] {
    for (const auto& parameter : model.parameters()) CHECK(parameter.tensor.equal(before.at(parameter.name)));
  });
  for (const auto& parameter : model.parameters()) CHECK(parameter.tensor.equal(after.at(parameter.name)));
}

TEST_CASE("a saved state goes on with the same bits, extra parameters too") {
  const auto head = [] { return at::full({3}, 0.5, at::kFloat).requires_grad_(); };
  const auto train = [](Architecture& model, const at::Tensor& extra, Optimizer& optimizer, int steps) {
    for (int step = 0; step < steps; ++step) {
      (loss_of(model) + extra.square().sum()).backward();
      optimizer.step(1e-2, 12);
    }
  };
  auto straight = make_model(), stopped = make_model(), resumed = make_model();
  at::Tensor e1 = head(), e2 = head(), e3 = head();
  ModelOptimizer o1(straight, lora_params_of(2), {{"head", e1, false}}, 5);
  train(straight, e1, o1, 6);
  ModelOptimizer o2(stopped, lora_params_of(2), {{"head", e2, false}}, 5);
  train(stopped, e2, o2, 3);
  StateDict state;
  o2.save(state);
  for (auto& [name, tensor] : state.tensors) tensor = tensor.clone();
  ModelOptimizer o3(resumed, lora_params_of(2), {{"head", e3, false}}, 99);
  o3.load(state);
  train(resumed, e3, o3, 3);
  CHECK(e1.equal(e3));
  const auto expected = snapshot(straight), got = snapshot(resumed);
  for (const auto& [name, tensor] : expected) CHECK(tensor.equal(got.at(name)));
}

TEST_CASE("targets by name, and what cannot be adapted is said") {
  auto model = make_model();
  {
    const Lora lora(model, {2, 4, {"mlp"}}, 1);
    CHECK(lora.parameters().size() == 8);  // two matrices in each of two layers, A and B
    for (const auto& parameter : lora.parameters()) CHECK(parameter.name.find("mlp") != std::string::npos);
  }
  for (const auto& parameter : model.parameters()) CHECK(parameter.tensor.requires_grad());
  CHECK_THROWS_AS(Lora(model, {2, 4, {"nonsense"}}, 1), ConfigError);
  CHECK_THROWS_AS(Lora(model, {17, 4, {}}, 1), ConfigError);
}
