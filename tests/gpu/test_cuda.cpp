// On a GPU: losses, gradients, decoding and updates against the CPU in float32, bfloat16 training, and NCCL. Without one all
// of it is skipped and says why.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cstdio>
#include <cstdlib>

#include "catch.h"
#include "gpt.h"
#include "host/device/device.h"
#include "host/dist/group.h"
#include "host/train/autocast.h"
#include "host/train/optimizer.h"
#include "host/train/shards.h"
#include "temper/cache.h"
#include "temper/loss.h"
#include "temper/random_state.h"

using namespace temper;

namespace {

/// Opened once; ends the suite as skipped where there is none.
c10::Device cuda() {
  static const c10::Device device = [] {
    try {
      return open_device("cuda");
    } catch (const ConfigError& error) {
      std::printf("SKIPPED: %s\n", error.what());
      std::exit(77);
    }
  }();
  return device;
}

gpt::Gpt small(double dropout = 0) {
  gpt::GptParams params;
  params.d_model = 64;
  params.num_layers = 2;
  params.num_heads = 4;
  params.max_positions = 64;
  params.dropout = dropout;
  return gpt::Gpt(params, {200, 3});
}

Batch some_rows() {
  std::vector<Example> examples;
  for (std::int64_t row = 0; row < 6; ++row) {
    Example example;
    for (std::int64_t t = 0; t < 10 + 5 * row; ++t) {
      example.ids.push_back((row * 31 + t * 7) % 200);
      example.labels.push_back(t % 3 == 0 ? kIgnoreLabel : (row * 17 + t * 11) % 200);
    }
    examples.push_back(example);
  }
  return pack_examples(examples, 64, 0);
}

SummedLoss loss_of(Architecture& model, const Batch& batch) {
  return linear_cross_entropy(model.hidden(batch.input).flatten(0, 1), model.head(), batch.labels_BT.flatten());
}

double farthest(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kCPU) - b.to(at::kCPU)).abs().max().item<double>();
}

TrainParams adam() {
  TrainParams params;
  params.learning_rate = 1e-3;
  return params;
}

}  // namespace

TEST_CASE("loss, gradients and five updates are the CPU's to rounding") {
  const c10::Device device = cuda();
  gpt::Gpt here = small(), there = small();
  there.to(device);
  REQUIRE(there.device() == device);
  const Batch batch = some_rows(), moved = to_device(batch, device);
  AdamW ours(here.parameters(), adam(), nullptr), theirs(there.parameters(), adam(), nullptr);
  for (int step = 0; step < 5; ++step) {
    const SummedLoss a = loss_of(here, batch), b = loss_of(there, moved);
    CHECK(b.sum.item<double>() == Approx(a.sum.item<double>()).epsilon(1e-5));
    a.sum.backward();
    b.sum.backward();
    CHECK(theirs.grad_norm() == Approx(ours.grad_norm()).epsilon(1e-4));
    ours.step(1e-3, static_cast<double>(a.target_tokens));
    theirs.step(1e-3, static_cast<double>(b.target_tokens));
  }
  const auto a = here.parameters(), b = there.parameters();
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(farthest(a[i].tensor, b[i].tensor) < 1e-4);
}

TEST_CASE("log-probabilities with gradients are the CPU's") {
  const c10::Device device = cuda();
  const at::Tensor hidden_ND = at::randn({40, 16}), head_VD = at::randn({50, 16}), labels_N = at::arange(40) % 50;
  std::vector<at::Tensor> gradients;
  for (const c10::Device where : {c10::Device(c10::kCPU), device}) {
    const at::Tensor hidden = hidden_ND.to(where, at::kFloat, false, true).requires_grad_();
    const TokenLogProbs both = token_log_probs(hidden, head_VD.to(where), labels_N.to(where), 0.7);
    (both.log_probs_N.sum() + both.entropy_N.sum()).backward();
    gradients.push_back(hidden.grad());
  }
  CHECK(farthest(gradients[0], gradients[1]) < 1e-4);
}

TEST_CASE("decoding with a cache gives the full pass's hidden states") {
  const at::NoGradGuard guard;
  const c10::Device device = cuda();
  gpt::Gpt model = small();
  model.to(device);
  model.train(false);
  for (const WeightFormat format : {WeightFormat::kFloat32, WeightFormat::kInt8}) {
    model.prepare_decoding(format);
    const auto state = model.make_state(3, 20, 0);
    const at::Tensor ids_BT = (at::arange(30).view({3, 10}) * 7 % 200).to(device);
    ModelInput input;
    input.ids_BT = ids_BT.narrow(1, 0, 6);
    const std::vector<std::int64_t> places{0, 1, 2};
    at::Tensor hidden_BD = model.prefill(*state, places, input);
    for (std::int64_t t = 6; t < 10; ++t) hidden_BD = model.step(*state, places, ids_BT.select(1, t));
    ModelInput whole;
    whole.ids_BT = ids_BT;
    const double limit = format == WeightFormat::kFloat32 ? 1e-4 : 0.1;
    CHECK(farthest(hidden_BD, model.hidden(whole).select(1, 9)) < limit);
  }
}

TEST_CASE("dropout repeats from a saved state of the GPU's generator") {
  const c10::Device device = cuda();
  gpt::Gpt model = small(0.3);
  model.to(device);
  model.train(true);
  const Batch batch = to_device(some_rows(), device);
  seed_random(7, device);
  const RandomState before = random_state(device);
  REQUIRE(before.device.defined());
  const double first = loss_of(model, batch).sum.item<double>(), second = loss_of(model, batch).sum.item<double>();
  CHECK(first != second);
  set_random_state(before, device);
  CHECK(loss_of(model, batch).sum.item<double>() == first);
  // Recomputed activations drop out what was dropped the first time.
  std::vector<at::Tensor> gradients;
  for (const bool recompute : {false, true}) {
    REQUIRE(model.checkpoint_activations(recompute));
    set_random_state(before, device);
    loss_of(model, batch).sum.backward();
    gradients.push_back(model.parameters().front().tensor.grad().clone());
    for (auto& parameter : model.parameters()) parameter.tensor.mutable_grad() = at::Tensor();
  }
  CHECK(farthest(gradients[0], gradients[1]) == 0);
}

TEST_CASE("bfloat16 training lowers the loss and stays near float32") {
  const c10::Device device = cuda();
  gpt::Gpt exact = small(), rounded = small();
  exact.to(device);
  rounded.to(device);
  const Batch batch = to_device(some_rows(), device);
  AdamW first(exact.parameters(), adam(), nullptr), second(rounded.parameters(), adam(), nullptr);
  double loss = 0, rounded_loss = 0, start = 0;
  for (int step = 0; step < 30; ++step) {
    const SummedLoss a = loss_of(exact, batch);
    SummedLoss b;
    {
      const Autocast autocast(true, device);
      b = loss_of(rounded, batch);
    }
    a.sum.backward();
    b.sum.backward();
    first.step(1e-3, static_cast<double>(a.target_tokens));
    second.step(1e-3, static_cast<double>(b.target_tokens));
    loss = a.sum.item<double>();
    rounded_loss = b.sum.item<double>();
    if (step == 0) start = loss;
  }
  CHECK(rounded_loss < 0.8 * start);
  CHECK(rounded_loss == Approx(loss).epsilon(0.05));
}

TEST_CASE("NCCL in a world of one: sums, shares, gathers and gradients") {
  const c10::Device device = cuda();
  Ranks ranks;
  ranks.address = "127.0.0.1";
  ranks.port = 29517;
  Group group(ranks, {});
  group.use_device(device);
  at::Tensor values = at::arange(6, at::TensorOptions(device).dtype(at::kFloat));
  group.all_reduce_sum(values);
  group.broadcast(values, 0);
  group.all_gather_parts(values);
  CHECK(farthest(values, at::arange(6, at::kFloat)) == 0);
  CHECK(group.all_gather("words") == std::vector<std::string>{"words"});
  gpt::Gpt model = small(), alone = small();
  model.to(device);
  alone.to(device);
  const Batch batch = to_device(some_rows(), device);
  std::vector<at::Tensor> parameters;
  for (const auto& parameter : model.parameters()) parameters.push_back(parameter.tensor);
  const auto sync = group.sync_gradients(parameters, gradient_buckets(parameters), false);
  sync->backward(loss_of(model, batch).sum);
  loss_of(alone, batch).sum.backward();
  const auto a = model.parameters(), b = alone.parameters();
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(farthest(a[i].tensor.grad(), b[i].tensor.grad()) < 1e-6);
  group.leave();
}
