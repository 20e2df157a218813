// gpt and the training loop against Python PyTorch: logits, gradients and ten losses with the same weights and batches
// (tests/reference/gpt has the numbers and the script), and incremental decoding against the full forward pass.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "byte_tokenizer.h"
#include "catch.h"
#include "gpt.h"
#include "host/infer/generator.h"
#include "host/infer/scorer.h"
#include "host/train/loop.h"
#include "silent_progress.h"
#include "temper/loss.h"
#include "temper/testing.h"

using namespace temper;

namespace {

constexpr std::int64_t V = 97, P = 32, D = 24, L = 2, H = 4, B = 3, T = 16;

gpt::GptParams small_params() {
  gpt::GptParams params;
  params.d_model = D;
  params.num_layers = L;
  params.num_heads = H;
  params.max_positions = P;
  return params;
}

gpt::Gpt small_model() { return gpt::Gpt(small_params(), {V, 5}); }

/// The same formula as in make_reference.py, by the parameter's number.
void set_reference_weights(Architecture& model) {
  const at::NoGradGuard guard;
  std::size_t number = 0;
  for (auto& parameter : model.parameters()) {
    const bool norm_weight = parameter.name.find("ln_") != std::string::npos && parameter.name.ends_with("weight");
    const double scale = norm_weight ? 0.05 : 0.1, offset = norm_weight ? 1.0 : 0.0;
    float* values = parameter.tensor.data_ptr<float>();
    for (std::int64_t i = 0; i < parameter.tensor.numel(); ++i) {
      values[i] =
          static_cast<float>(offset + scale * std::sin(0.37 * static_cast<double>(i) + 1.3 * static_cast<double>(number)));
    }
    ++number;
  }
}

Batch reference_batch(std::int64_t step) {
  std::vector<Example> examples(static_cast<std::size_t>(B));
  for (std::int64_t b = 0; b < B; ++b) {
    for (std::int64_t t = 0; t <= T; ++t) {
      const std::int64_t i = b * (T + 1) + t;
      const std::int64_t id = (i * 31 + i * i * 7 + step * 1009) % V;
      auto& example = examples[static_cast<std::size_t>(b)];
      if (t < T) example.ids.push_back(id);
      if (t > 0) example.labels.push_back(id);
    }
  }
  return pad_examples(examples, T, 0);
}

/// One for all, so that loops over its parts do not outlive it.
const nlohmann::json& reference() {
  static const nlohmann::json numbers = [] {
    std::ifstream file(std::string(TEMPER_SOURCE_DIR) + "/tests/reference/gpt/gpt_reference.json");
    return nlohmann::json::parse(file);
  }();
  return numbers;
}

SummedLoss loss_of(Architecture& model, const Batch& batch) {
  return linear_cross_entropy(model.hidden(batch.input).flatten(0, 1), model.head(), batch.labels_BT.flatten());
}

struct ReferenceBatches final : BatchSource {
  std::int64_t step = 0;
  Batch next() override { return reference_batch(step++); }
  double epochs_done() const override { return 0; }
  std::string position() const override { return std::to_string(step); }
  void restore(const std::string& text) override { step = text.empty() ? 0 : std::stoll(text); }
};

}  // namespace

TEST_CASE("gpt logits and gradients equal PyTorch's") {
  auto model = small_model();
  set_reference_weights(model);
  const auto expected = reference();
  const Batch batch = reference_batch(0);
  const at::Tensor logits = model.logits(batch.input)[0][T - 1].detach();
  for (std::int64_t v = 0; v < V; ++v) {
    CHECK(logits[v].item<double>() ==
          Approx(expected["logits_row0_last"][static_cast<std::size_t>(v)].get<double>()).margin(1e-5));
  }
  const SummedLoss loss = loss_of(model, batch);
  CHECK(loss.target_tokens == B * T);
  loss.sum.backward();
  std::vector<double> norms;
  for (const auto& [name, value] : expected["grad_norms"].items()) norms.push_back(value);
  double ours = 0, theirs = 0;
  for (const auto& parameter : model.parameters())
    ours += std::pow(parameter.tensor.grad().norm().item<double>() / (B * T), 2);
  for (const double norm : norms) theirs += norm * norm;
  CHECK(std::sqrt(ours) == Approx(std::sqrt(theirs)).epsilon(1e-5));
  CHECK(model.parameters().front().tensor.grad().norm().item<double>() / (B * T) ==
        Approx(expected["grad_norms"]["wte"].get<double>()).epsilon(1e-5));
}

TEST_CASE("the first ten losses equal a PyTorch script's to 1e-6") {
  auto model = small_model();
  set_reference_weights(model);
  const auto expected = reference();
  ReferenceBatches batches;
  test::SilentProgress progress;
  FitPlan plan;
  plan.params.steps = 10;
  plan.params.warmup_steps = 3;
  plan.params.learning_rate = 3e-3;
  plan.params.log_every = 1;
  plan.train = &batches;
  plan.loss = loss_of;
  std::vector<double> losses, rates;
  FitHooks hooks;
  hooks.stage = "test";
  hooks.log = [&](const std::string& metric, std::int64_t, double value) {
    if (metric == "loss") losses.push_back(value);
    if (metric == "learning_rate") rates.push_back(value);
  };
  hooks.cancelled = [] { return false; };
  hooks.save = [](const StateDict&, const FitTotals&) {};
  hooks.progress = &progress;
  const FitReport report = run_fit(model, plan, hooks);
  CHECK(report.status == FitStatus::kComplete);
  REQUIRE(losses.size() == 10);
  for (std::size_t i = 0; i < 10; ++i) {
    INFO("step " << i);
    // Relative: the order of sums depends on the number of threads, and losses are near 4.6.
    const double reference_loss = expected["losses"][i].get<double>();
    CHECK(std::abs(losses[i] - reference_loss) < 1e-6 * std::max(1.0, reference_loss));
    CHECK(rates[i] == Approx(expected["learning_rates"][i].get<double>()).epsilon(1e-9));
  }
}

TEST_CASE("P-LOSS-05 a packed row gives the loss of its documents alone") {
  auto model = small_model();
  set_reference_weights(model);
  const Example a{{5, 6, 7}, {6, 7, kIgnoreLabel}, {}}, b{{8, 9}, {9, 10}, {}};
  const Batch packed = pack_examples({a, b}, 5, 0);
  REQUIRE(packed.input.ids_BT.size(0) == 1);
  const std::vector<std::int64_t> positions(packed.input.positions_BT.data_ptr<std::int64_t>(),
                                            packed.input.positions_BT.data_ptr<std::int64_t>() + 5);
  CHECK(positions == std::vector<std::int64_t>{0, 1, 2, 0, 1});
  const double together = loss_of(model, packed).sum.item<double>();
  const double alone = loss_of(model, pad_examples({a}, 5, 0)).sum.item<double>() +
                       loss_of(model, pad_examples({b}, 5, 0)).sum.item<double>();
  CHECK(together == Approx(alone).epsilon(1e-5));
  const double leaking = [&] {
    Batch wrong = packed;
    wrong.input.segments_BT = at::Tensor();
    return loss_of(model, wrong).sum.item<double>();
  }();
  CHECK(std::abs(leaking - alone) > 1e-3);
}

TEST_CASE("P-GEN-01 P-GEN-08 cached decoding of ragged prompts equals the full pass, alone and in a batch") {
  auto model = small_model();
  set_reference_weights(model);
  const test::ByteTokenizer tokenizer(V, {2}, 0, 1);
  BatchGenerator generator(model, tokenizer, {});
  SamplingParams greedy;
  greedy.max_new_tokens = 8;
  const std::vector<GenerateRequest> requests = {
      {{1, 5, 9}, 1}, {{1, 4, 4, 8, 15, 16, 23, 42, 50, 61, 70, 80, 33, 12, 7}, 2}, {{1}, 3}};
  const auto together = generator.generate(requests, greedy);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto alone = generator.generate({requests[i]}, greedy);
    CHECK(alone[0].ids == together[i].ids);
    REQUIRE(alone[0].log_probs.size() == together[i].log_probs.size());
    // Against the full forward pass over prompt and answer.
    std::vector<std::int32_t> answer = together[i].ids;
    if (together[i].finished) answer.push_back(2);
    BatchScorer scorer(model, tokenizer, {});
    const auto score = scorer.score({{requests[i].prompt_ids, answer}});
    CHECK(score[0].is_greedy);
    for (std::size_t t = 0; t < answer.size(); ++t) {
      CHECK(together[i].log_probs[t] == Approx(alone[0].log_probs[t]).margin(1e-4));
      CHECK(together[i].log_probs[t] == Approx(score[0].log_probs[t]).margin(1e-4));
    }
  }
}

TEST_CASE("sampling depends on the prompt's seed and not on the batch") {
  auto model = small_model();
  set_reference_weights(model);
  const test::ByteTokenizer tokenizer(V, {2}, 0, 1);
  BatchGenerator generator(model, tokenizer, {});
  SamplingParams sampling;
  sampling.temperature = 1.0;
  sampling.max_new_tokens = 10;
  const auto together = generator.generate({{{1, 5}, 7}, {{1, 5}, 8}, {{1, 6, 7, 8}, 7}}, sampling);
  CHECK(generator.generate({{{1, 5}, 8}}, sampling)[0].ids == together[1].ids);
  CHECK(together[0].ids != together[1].ids);
}

TEST_CASE("scores are the same in any company and cover long texts once") {
  auto model = small_model();
  set_reference_weights(model);
  const test::ByteTokenizer tokenizer(V, {2}, 0, 1);
  BatchScorer scorer(model, tokenizer, {}, 64);
  std::vector<std::int32_t> text;
  for (std::int32_t i = 0; i < 100; ++i) text.push_back(3 + (i * 7) % 90);
  const auto all = scorer.score({{{1}, text}, {{1}, {5, 6}}, {{1, 5, 6, 7}, {8}}});
  CHECK(all[0].log_probs.size() == 100);
  const auto alone = scorer.score({{{1}, {5, 6}}});
  CHECK(alone[0].sum == Approx(all[1].sum).margin(1e-5));
  for (const float value : all[0].log_probs) CHECK(value < 0);
}

TEST_CASE("gpt refuses a context longer than its positions") {
  auto model = small_model();
  ModelInput input;
  input.ids_BT = at::zeros({1, P + 1}, at::kLong);
  CHECK_THROWS_WITH(model.hidden(input), ContainsSubstring("max_positions = 32"));
}

TEST_CASE("equal seeds give equal weights, other seeds others; P-LOSS-08 decay groups") {
  gpt::Gpt a(small_params(), {V, 5}), b(small_params(), {V, 5}), c(small_params(), {V, 6});
  std::int64_t decayed = 0, rest = 0;
  for (std::size_t i = 0; i < a.parameters().size(); ++i) {
    const auto& parameter = a.parameters()[i];
    CHECK(at::equal(parameter.tensor, b.parameters()[i].tensor));
    (parameter.decay ? decayed : rest) += parameter.tensor.numel();
    CHECK(parameter.decay == (parameter.tensor.dim() == 2));
  }
  CHECK_FALSE(at::equal(a.head(), c.head()));
  CHECK(decayed == V * D + P * D + L * (4 * D * D + 8 * D * D));
  CHECK(rest == L * (2 * 2 * D + 3 * D + D + 4 * D + D) + 2 * D);
}

TEST_CASE("P-MODEL-08 gelu is the exact form, gelu_new and gelu_pytorch_tanh are the tanh form") {
  const std::vector<double> exact = {-0.1586553, 0.3457312, 1.9544997}, tanh_form = {-0.158808, 0.345714, 1.9545977};
  const std::vector<double> inputs = {-1, 0.5, 2};
  for (const std::string name : {"gelu", "gelu_new", "gelu_pytorch_tanh"}) {
    const auto imported = gpt::gpt_from_hugging_face(
        R"({"model_type": "gpt2", "vocab_size": 97, "n_embd": 9, "n_inner": 9, "n_layer": 1, "n_head": 1, "n_positions": 8,
 "activation_function": ")" +
        name + "\"}");
    REQUIRE(imported);
    const std::map<std::string, std::string> given(imported->values.begin(), imported->values.end());
    gpt::Gpt model(gpt::gpt_params().parse(values_from_text(gpt::gpt_params().specs(), given)), {97, 5});
    // All zero but the feed-forward layer, which is the activation of the second norm's bias: three times the inputs.
    const at::NoGradGuard guard;
    for (auto& parameter : model.parameters()) {
      parameter.tensor.zero_();
      if (parameter.name.find("mlp.") != std::string::npos && parameter.tensor.dim() == 2)
        parameter.tensor.copy_(at::eye(9));
      if (parameter.name.ends_with("ln_2.bias")) parameter.tensor.copy_(at::tensor(inputs).repeat(3));
      if (parameter.name == "transformer.ln_f.weight") parameter.tensor.fill_(1);
    }
    ModelInput input;
    input.ids_BT = at::zeros({1, 1}, at::kLong);
    const at::Tensor wanted_D = at::layer_norm(at::tensor(name == "gelu" ? exact : tanh_form).repeat(3), {9});
    CHECK((model.hidden(input)[0][0].to(at::kDouble) - wanted_D).abs().max().item<double>() < 1e-5);
  }
}
