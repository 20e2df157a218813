// The training loop: accumulation by tokens, exact resume with dropout, divergence, early stop, cancellation.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <limits>

#include "catch.h"
#include "gpt.h"
#include "host/train/loop.h"
#include "host/train/optimizer.h"
#include "silent_progress.h"
#include "temper/loss.h"
#include "temper/random.h"

using namespace temper;

namespace {

constexpr std::int64_t V = 31;

gpt::Gpt make_model(double dropout = 0) {
  gpt::GptParams params;
  params.d_model = 16;
  params.num_layers = 1;
  params.num_heads = 2;
  params.max_positions = 16;
  params.dropout = dropout;
  return gpt::Gpt(params, {V, 3});
}

/// Batch i depends on i alone; `sizes` gives the rows' lengths in turn.
struct CountingBatches final : BatchSource {
  std::vector<std::int64_t> lengths = {12};
  std::int64_t step = 0;
  Batch next() override {
    Example example;
    Rng rng(derive_seed(9, static_cast<std::uint64_t>(step)));
    const auto length = lengths[static_cast<std::size_t>(step) % lengths.size()];
    for (std::int64_t t = 0; t < std::max<std::int64_t>(1, std::abs(length)); ++t) {
      example.ids.push_back(static_cast<std::int64_t>(rng.below(V)));
      example.labels.push_back(length < 0 ? kIgnoreLabel : static_cast<std::int64_t>(rng.below(V)));
    }
    ++step;
    Batch batch = pad_examples({example}, 16, 0);
    batch.target_bytes = 3 * batch.target_tokens;
    return batch;
  }
  double epochs_done() const override { return static_cast<double>(step) / 10; }
  std::string position() const override { return std::to_string(step); }
  void restore(const std::string& text) override { step = text.empty() ? 0 : std::stoll(text); }
};

SummedLoss plain_loss(Architecture& model, const Batch& batch) {
  return linear_cross_entropy(model.hidden(batch.input).flatten(0, 1), model.head(), batch.labels_BT.flatten());
}

struct Trial {
  TrainParams params;
  CountingBatches batches;
  test::SilentProgress progress;
  std::map<std::int64_t, double> losses, rates, flops, target_tokens, target_bytes;
  std::optional<StateDict> saved;
  std::int64_t saved_steps = 0;
  std::int64_t cancel_after = -1, pause_at = 0;
  std::function<SummedLoss(Architecture&, const Batch&)> loss = plain_loss;
  BatchSource* validation = nullptr;

  Trial() {
    params.steps = 10;
    params.warmup_steps = 2;
    params.log_every = 1;
    params.learning_rate = 1e-2;
    params.checkpoint_every = 0;
  }

  FitReport run(Architecture& model, std::optional<StateDict> resume = {}) {
    FitPlan plan;
    plan.params = params;
    plan.train = &batches;
    plan.validation = validation;
    plan.loss = loss;
    FitHooks hooks;
    hooks.stage = "trial";
    hooks.seed = 77;
    hooks.resume = std::move(resume);
    hooks.progress = &progress;
    hooks.log = [this](const std::string& metric, std::int64_t step, double value) {
      if (metric == "loss") losses[step] = value;
      if (metric == "learning_rate") rates[step] = value;
      if (metric == "flops") flops[step] = value;
      if (metric == "target_tokens") target_tokens[step] = value;
      if (metric == "target_bytes") target_bytes[step] = value;
    };
    hooks.cancelled = [this] { return cancel_after >= 0 && static_cast<std::int64_t>(losses.size()) >= cancel_after; };
    hooks.pause_at = pause_at;
    hooks.save = [this](const StateDict& state, const FitTotals& totals) {
      StateDict copy;
      copy.texts = state.texts;
      for (const auto& [name, tensor] : state.tensors) copy.tensors[name] = tensor.clone();
      saved = std::move(copy);
      saved_steps = totals.steps;
    };
    return run_fit(model, plan, hooks);
  }
};

bool equal_weights(Architecture& a, Architecture& b) {
  const auto x = a.parameters(), y = b.parameters();
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!at::equal(x[i].tensor, y[i].tensor)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("P-REPRO-03 P-REPRO-04 P-REPRO-06 stop at 4 and resume equals the straight run, bit for bit, with dropout") {
  auto straight = make_model(0.1);
  Trial whole;
  whole.run(straight);

  auto stopped = make_model(0.1);
  Trial first;
  first.cancel_after = 4;
  CHECK_THROWS_AS(first.run(stopped), Cancelled);
  REQUIRE(first.saved);
  CHECK(first.saved_steps == 4);

  // What the process had in memory is gone: other dropout draws happen, weights come from the saved copy.
  at::dropout(at::ones({100}), 0.5, true);
  Trial second;
  const FitReport report = second.run(stopped, first.saved);
  CHECK(report.totals.steps == 10);
  CHECK(equal_weights(straight, stopped));
  CHECK(second.losses.begin()->first == 5);
  for (const auto& [step, loss] : second.losses) CHECK(loss == whole.losses.at(step));
  for (const auto& [step, rate] : second.rates) CHECK(rate == whole.rates.at(step));
}

TEST_CASE("a loop that is paused at a step saves there once, does nothing when it is asked again, and goes on to the bit") {
  auto straight = make_model(0.1);
  Trial whole;
  whole.run(straight);

  auto paused = make_model(0.1);
  Trial first;
  first.pause_at = 6;
  CHECK_THROWS_AS(first.run(paused), Cancelled);
  REQUIRE(first.saved);
  CHECK(first.saved_steps == 6);
  CHECK(first.losses.size() == 6);
  Trial again;
  again.pause_at = 6;
  CHECK_THROWS_AS(again.run(paused, first.saved), Cancelled);
  CHECK((!again.saved && again.losses.empty()));
  Trial rest;
  rest.pause_at = 10;  // its last step: nothing is left to pause for
  CHECK(rest.run(paused, first.saved).totals.steps == 10);
  CHECK(equal_weights(straight, paused));
  for (const auto& [step, loss] : rest.losses) CHECK(loss == whole.losses.at(step));
}

TEST_CASE("P-LOSS-01 P-LOSS-03 accumulation weighs micro-batches by tokens and survives one without targets") {
  // Two micro-batches of 9 and 3 tokens and an empty one against one batch that holds both rows.
  auto accumulated = make_model();
  Trial a;
  a.batches.lengths = {9, 3, -4};
  a.params.accumulation = 3;
  a.params.steps = 1;
  a.params.clip_norm = 0;
  a.run(accumulated);

  struct OneBatch final : BatchSource {
    CountingBatches inner;
    Batch next() override {
      inner.lengths = {9, 3, -4};
      std::vector<Example> rows;
      for (int i = 0; i < 2; ++i) {
        const Batch batch = inner.next();
        Example example;
        for (std::int64_t t = 0; t < batch.labels_BT.size(1); ++t) {
          example.ids.push_back(batch.input.ids_BT[0][t].item<std::int64_t>());
          example.labels.push_back(batch.labels_BT[0][t].item<std::int64_t>());
        }
        rows.push_back(example);
      }
      return pad_examples(rows, 16, 0);
    }
    double epochs_done() const override { return 0; }
    std::string position() const override { return ""; }
    void restore(const std::string&) override {}
  } both;
  auto whole = make_model();
  FitPlan plan;
  plan.params = a.params;
  plan.params.accumulation = 1;
  plan.train = &both;
  plan.loss = plain_loss;
  test::SilentProgress progress;
  double loss = 0;
  FitHooks hooks;
  hooks.progress = &progress;
  hooks.log = [&](const std::string& metric, std::int64_t, double value) {
    if (metric == "loss") loss = value;
  };
  hooks.cancelled = [] { return false; };
  run_fit(whole, plan, hooks);
  CHECK(a.losses.at(1) == Approx(loss).epsilon(1e-6));
  const auto x = accumulated.parameters(), y = whole.parameters();
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(at::allclose(x[i].tensor, y[i].tensor, 1e-4, 1e-5));
}

TEST_CASE("P-LOSS-10 the schedule moves with optimiser steps, not micro-batches") {
  auto model = make_model();
  Trial trial;
  trial.params.steps = 3;
  trial.params.accumulation = 4;
  trial.run(model);
  CHECK(trial.batches.step == 12);
  CHECK(trial.rates.size() == 3);
}

TEST_CASE("flops end the stage at the step that reaches them, and the schedule ends there too") {
  auto model = make_model();
  Trial trial;
  trial.batches.lengths = {12, 7};
  const double long_step = model.train_flops(12, 0, trial.params.context), short_step = model.train_flops(7, 0, 256);
  trial.params.flops = 2 * long_step + 2 * short_step + 1;  // one operation more than four steps
  trial.params.steps = 1;                                   // overridden
  const FitReport report = trial.run(model);
  CHECK(report.totals.steps == 5);
  CHECK(report.totals.flops == 3 * long_step + 2 * short_step);
  CHECK(trial.batches.step == 5);
  CHECK(trial.rates.at(5) < trial.rates.at(4));

  auto same = make_model();
  Trial counted;
  counted.batches.lengths = {12, 7};
  counted.params.steps = 5;
  counted.run(same);
  CHECK(equal_weights(model, same));
  CHECK(counted.rates == trial.rates);
}

TEST_CASE("P-REPRO-03 a flops budget survives a stop: same steps, same weights, same count of operations") {
  auto straight = make_model(0.1), stopped = make_model(0.1);
  Trial whole, first, second;
  for (Trial* trial : {&whole, &first, &second}) {
    trial->batches.lengths = {12, 7, 9};
    trial->params.flops = 8.5 * straight.train_flops(9, 0, 256) / 3;
    trial->params.flops *= 3;
  }
  const FitReport wanted = whole.run(straight);
  first.cancel_after = 3;
  CHECK_THROWS_AS(first.run(stopped), Cancelled);
  const FitReport report = second.run(stopped, first.saved);
  CHECK(report.totals.steps == wanted.totals.steps);
  CHECK(report.totals.flops == wanted.totals.flops);
  CHECK(report.totals.target_tokens == wanted.totals.target_tokens);
  CHECK(report.totals.target_bytes == wanted.totals.target_bytes);
  CHECK(equal_weights(straight, stopped));
  for (const auto& [step, value] : second.flops) CHECK(value == whole.flops.at(step));
  for (const auto& [step, value] : second.target_bytes) CHECK(value == whole.target_bytes.at(step));
}

TEST_CASE("what has been trained on so far is logged with every point and at the end") {
  auto model = make_model();
  Trial trial;
  trial.params.log_every = 4;
  trial.run(model);
  CHECK(trial.flops.size() == 4);  // steps 1, 4, 8 and 10
  const double step = model.train_flops(12, 0, 256);
  CHECK(trial.flops.at(1) == Approx(step));
  CHECK(trial.flops.at(10) == Approx(10 * step));
  CHECK(trial.target_tokens.at(8) == 96);
  CHECK(trial.target_bytes.at(10) == 360);
}

TEST_CASE("epochs and flops together are refused") {
  auto model = make_model();
  Trial trial;
  trial.params.epochs = 1;
  trial.params.flops = 1e9;
  CHECK_THROWS_AS(trial.run(model), ConfigError);
}

TEST_CASE("a batch without any target is an error that says so") {
  auto model = make_model();
  Trial trial;
  trial.batches.lengths = {-4};
  CHECK_THROWS_WITH(trial.run(model), ContainsSubstring("no token of the batch has a label"));
}

TEST_CASE("a loss that is not finite ends as divergence, with the weights of the step before") {
  auto model = make_model(), expected = make_model();
  Trial before;
  before.params.steps = 3;
  before.params.schedule = "constant";
  before.run(expected);
  Trial trial;
  trial.params.schedule = "constant";
  trial.loss = [](Architecture& m, const Batch& batch) {
    static thread_local int calls = 0;
    SummedLoss loss = plain_loss(m, batch);
    if (++calls == 4) loss.sum = loss.sum * std::numeric_limits<double>::quiet_NaN();
    return loss;
  };
  const FitReport report = trial.run(model);
  CHECK(report.status == FitStatus::kDiverged);
  CHECK_THAT(report.reason, ContainsSubstring("step 4"));
  CHECK(report.totals.steps == 3);
  CHECK(equal_weights(model, expected));
}

TEST_CASE("bfloat16 trains like float32 but for its rounding, with float32 weights") {
  auto full = make_model(), half = make_model();
  Trial a, b;
  a.params.steps = b.params.steps = 40;
  b.params.precision = "bfloat16";
  a.batches.lengths = b.batches.lengths = {16};
  a.run(full);
  b.run(half);
  CHECK(b.losses.at(1) != a.losses.at(1));
  CHECK(b.losses.at(1) == Approx(a.losses.at(1)).epsilon(0.01));
  CHECK(b.losses.at(40) == Approx(a.losses.at(40)).epsilon(0.05));
  for (const auto& parameter : half.parameters()) CHECK(parameter.tensor.scalar_type() == at::kFloat);
}

TEST_CASE("P-REPRO-05 validation changes no training number") {
  auto with = make_model(0.1), without = make_model(0.1);
  Trial a, b;
  CountingBatches held_out;
  a.params.validate_every = 2;
  a.validation = &held_out;
  a.run(with);
  b.run(without);
  CHECK(equal_weights(with, without));
}

TEST_CASE("early stop keeps the best weights") {
  auto model = make_model();
  Trial trial;
  CountingBatches held_out;
  trial.params.steps = 200;
  trial.params.learning_rate = 0.05;
  trial.params.validate_every = 1;
  trial.params.patience = 3;
  trial.validation = &held_out;
  const FitReport report = trial.run(model);
  CHECK(report.status == FitStatus::kEarlyStop);
  CHECK(report.totals.steps < 200);
}

TEST_CASE("P-LOSS-11 the first AdamW step is PyTorch's form: epsilon outside the corrected root") {
  at::Tensor weight = at::zeros({1}).requires_grad_();
  TrainParams params;
  params.beta1 = 0.9;
  params.beta2 = 0.999;
  params.epsilon = 1e-5;
  params.weight_decay = 0;
  AdamW optimizer({{"w", weight, true}}, params, nullptr);
  weight.mutable_grad() = at::full({1}, 1e-5f);
  optimizer.step(1.0, 1.0);
  CHECK(weight.item<double>() == Approx(-0.5).epsilon(1e-4));
}
