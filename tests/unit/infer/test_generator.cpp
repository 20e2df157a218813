// The generator on a small random model: what a request gets must not depend on its companions, the batch size, or the way
// the model decodes.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "byte_tokenizer.h"
#include "catch.h"
#include "host/infer/generator.h"
#include "host/infer/sampling.h"
#include "llama.h"

using namespace temper;

namespace {

constexpr std::int64_t kVocabulary = 40;

std::unique_ptr<Architecture> random_model(std::int64_t vocabulary = kVocabulary) {
  llama::LlamaParams params;
  params.d_model = 64;
  params.num_layers = 2;
  params.num_heads = 4;
  params.num_kv_heads = 2;
  params.max_positions = 48;
  params.init_std = 0.4;
  auto model = std::make_unique<llama::Llama>(params, Architecture::Args{vocabulary, 11});
  model->train(false);
  return model;
}

/// The same model without its cache.
class WithoutCache final : public Architecture {
 public:
  explicit WithoutCache(Architecture& inner) : inner_(inner) {}
  ArchitectureTraits traits() const override { return inner_.traits(); }
  at::Tensor hidden(const ModelInput& input) override { return inner_.hidden(input); }
  at::Tensor head() override { return inner_.head(); }
  std::vector<NamedParameter> parameters() override { return inner_.parameters(); }
  std::vector<WeightName> weight_names() const override { return {}; }
  void train(bool on) override { inner_.train(on); }
  bool is_training() const override { return inner_.is_training(); }
  double train_flops_per_token(std::int64_t) const override { return 1; }

 private:
  Architecture& inner_;
};

/// Answers each token with the logits written for it, whatever came before.
class TableModel final : public Architecture {
 public:
  explicit TableModel(at::Tensor logits_NV) : logits_NV_(std::move(logits_NV)) {}
  ArchitectureTraits traits() const override { return {false, 32, logits_NV_.size(0)}; }
  at::Tensor hidden(const ModelInput& input) override {
    return at::one_hot(input.ids_BT, logits_NV_.size(0)).to(at::kFloat);
  }
  at::Tensor head() override { return logits_NV_.t().contiguous(); }
  std::vector<NamedParameter> parameters() override { return {}; }
  std::vector<WeightName> weight_names() const override { return {}; }
  void train(bool) override {}
  bool is_training() const override { return false; }
  double train_flops_per_token(std::int64_t) const override { return 1; }

 private:
  at::Tensor logits_NV_;
};

std::vector<GenerateRequest> ragged_requests() {
  std::vector<GenerateRequest> requests;
  for (std::uint64_t i = 0; i < 13; ++i) {
    GenerateRequest request;
    for (std::uint64_t t = 0; t <= (i * 7) % 11; ++t) {
      request.prompt_ids.push_back(static_cast<std::int32_t>((i * 13 + t * 5) % kVocabulary));
    }
    request.seed = 100 + i;
    requests.push_back(request);
  }
  return requests;
}

SamplingParams sampled() {
  SamplingParams params;
  params.max_new_tokens = 12;
  params.temperature = 0.9;
  return params;
}

void check_equal(const std::vector<Completion>& a, const std::vector<Completion>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO("request " << i);
    CHECK(a[i].ids == b[i].ids);
    CHECK(a[i].finished == b[i].finished);
    CHECK(a[i].stopped_by == b[i].stopped_by);
    REQUIRE(a[i].log_probs.size() == b[i].log_probs.size());
    for (std::size_t t = 0; t < a[i].log_probs.size(); ++t) CHECK(std::abs(a[i].log_probs[t] - b[i].log_probs[t]) < 1e-4f);
  }
}

}  // namespace

TEST_CASE("answers do not depend on batch size, companions or the cache (P-GEN-01, P-GEN-08)") {
  const auto model = random_model();
  const test::ByteTokenizer tokenizer(kVocabulary, {7});
  const auto requests = ragged_requests();
  for (const double temperature : {0.0, 0.9}) {
    SamplingParams params = sampled();
    params.temperature = temperature;
    const auto expected = BatchGenerator(*model, tokenizer, {64}).generate(requests, params);
    bool any_eos = false, any_length = false;
    for (const auto& one : expected) {
      any_eos |= one.stopped_by == "eos";
      any_length |= one.stopped_by == "length";
      CHECK(one.log_probs.size() == one.ids.size() + (one.stopped_by == "eos" ? 1 : 0));
    }
    CHECK(any_eos);
    CHECK(any_length);
    for (const std::int64_t batch : {1, 2, 5}) {
      check_equal(BatchGenerator(*model, tokenizer, {batch}).generate(requests, params), expected);
    }
    WithoutCache slow(*model);
    check_equal(BatchGenerator(slow, tokenizer, {5}).generate(requests, params), expected);
    for (const std::size_t i : {0u, 6u, 12u}) {
      check_equal(BatchGenerator(*model, tokenizer, {64}).generate({requests[i]}, params), {expected[i]});
    }
  }
}

TEST_CASE("log-probabilities are the model's own, at the sampling temperature") {
  const at::NoGradGuard guard;
  const auto model = random_model();
  const test::ByteTokenizer tokenizer(kVocabulary, {7});
  for (const double temperature : {0.0, 0.5}) {
    SamplingParams params = sampled();
    params.temperature = temperature;
    params.top_k = 5;
    params.repetition_penalty = 1.3;
    for (const auto& request : ragged_requests()) {
      const auto done = BatchGenerator(*model, tokenizer, {1}).generate({request}, params).front();
      std::vector<std::int64_t> ids(request.prompt_ids.begin(), request.prompt_ids.end());
      ids.insert(ids.end(), done.ids.begin(), done.ids.end());
      ModelInput input;
      input.ids_BT = at::tensor(ids, at::kLong).unsqueeze(0);
      const at::Tensor log_probs = at::log_softmax(model->logits(input)[0] / (temperature == 0 ? 1.0 : temperature), 1);
      for (std::size_t t = 0; t < done.ids.size(); ++t) {
        const auto at = static_cast<std::int64_t>(request.prompt_ids.size() + t) - 1;
        CHECK(std::abs(log_probs[at][done.ids[t]].item<float>() - done.log_probs[t]) < 1e-4f);
      }
    }
  }
}

TEST_CASE("samples of one prompt share its prefill and keep their own streams") {
  const auto model = random_model();
  const test::ByteTokenizer tokenizer(kVocabulary, {7});
  std::vector<GenerateRequest> requests;
  for (std::uint64_t i = 0; i < 6; ++i) requests.push_back({{1, 2, 3, 4}, 50 + i});
  requests.push_back({{4, 3}, 9});
  const auto together = BatchGenerator(*model, tokenizer, {4}).generate(requests, sampled());
  std::vector<Completion> alone;
  for (const auto& request : requests) {
    alone.push_back(BatchGenerator(*model, tokenizer, {1}).generate({request}, sampled()).front());
  }
  check_equal(together, alone);
  CHECK(together[0].ids != together[1].ids);
}

TEST_CASE("any of several EOS ids ends a row (P-GEN-06)") {
  const auto model = random_model();
  const auto requests = ragged_requests();
  const auto free = BatchGenerator(*model, test::ByteTokenizer(kVocabulary, {}), {8}).generate(requests, sampled());
  const std::int32_t first = free[0].ids[3], second = free[1].ids[2];
  const test::ByteTokenizer two(kVocabulary, {first, second});
  const auto ended = BatchGenerator(*model, two, {8}).generate(requests, sampled());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    std::vector<std::int32_t> expected = free[i].ids;
    const auto stop = std::find_if(expected.begin(), expected.end(), [&](auto id) { return id == first || id == second; });
    const bool stopped = stop != expected.end();
    expected.erase(stop, expected.end());
    CHECK(ended[i].ids == expected);
    CHECK(ended[i].finished == stopped);
  }
}

TEST_CASE("P-GEN-06 the end tokens 1 and 107 end 9 4 107 5 1 after two tokens") {
  at::Tensor logits_NV = at::zeros({128, 128});
  const std::vector<std::int64_t> chain = {8, 9, 4, 107, 5, 1};
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) logits_NV[chain[i]][chain[i + 1]] = 9;
  TableModel model(logits_NV);
  SamplingParams params;
  params.max_new_tokens = 5;
  const auto answer = [&](std::vector<std::int32_t> ends) {
    const test::ByteTokenizer tokenizer(128, std::move(ends));
    return BatchGenerator(model, tokenizer, {1}).generate({{{8}, 1}}, params).front();
  };
  const Completion both = answer({1, 107});
  CHECK(both.ids == std::vector<std::int32_t>{9, 4});
  CHECK(both.log_probs.size() == 3);  // the end token's as well
  CHECK(both.finished);
  CHECK(both.stopped_by == "eos");
  CHECK(answer({1}).ids == std::vector<std::int32_t>{9, 4, 107, 5});
}

TEST_CASE("P-GEN-07 of 16 columns for 10 tokens the largest beyond is no token and has no probability") {
  at::Tensor logits_NV = at::zeros({16, 16});
  logits_NV.select(1, 12).fill_(9);
  logits_NV.select(1, 3).fill_(5);
  TableModel model(logits_NV);
  SamplingParams params;
  params.max_new_tokens = 1;
  const test::ByteTokenizer tokenizer(10, {});
  const Completion done = BatchGenerator(model, tokenizer, {1}).generate({{{2}, 1}}, params).front();
  CHECK(done.ids == std::vector<std::int32_t>{3});
  params.temperature = 1;
  params.top_k = 1;
  const Completion drawn = BatchGenerator(model, tokenizer, {1}).generate({{{2}, 1}}, params).front();
  CHECK(drawn.ids == std::vector<std::int32_t>{3});
  for (const Completion& one : {done, drawn})
    CHECK(one.log_probs.at(0) == Approx(5 - std::log(std::exp(5.0) + 9)).margin(1e-5));
}

TEST_CASE("columns beyond the vocabulary are never sampled (P-GEN-07)") {
  const at::NoGradGuard guard;
  const auto model = random_model(64);
  for (auto& parameter : model->parameters()) {
    if (parameter.name == "model.embed_tokens.weight") parameter.tensor.narrow(0, kVocabulary, 24).mul_(50);
  }
  const test::ByteTokenizer tokenizer(kVocabulary, {});
  for (const double temperature : {0.0, 1.5}) {
    SamplingParams params = sampled();
    params.temperature = temperature;
    for (const auto& done : BatchGenerator(*model, tokenizer, {8}).generate(ragged_requests(), params)) {
      for (const auto id : done.ids) CHECK(id < kVocabulary);
    }
  }
}

TEST_CASE("a stop string ends the answer and is cut off it, wherever tokens begin") {
  const auto model = random_model();
  const test::ByteTokenizer tokenizer(kVocabulary, {});
  const auto requests = ragged_requests();
  const auto free = BatchGenerator(*model, tokenizer, {8}).generate(requests, sampled());
  SamplingParams params = sampled();
  params.stop = {free[2].text.substr(4, 2), "never in it"};
  const auto stopped = BatchGenerator(*model, tokenizer, {8}).generate(requests, params);
  const std::size_t at = free[2].text.find(params.stop[0]);
  CHECK(stopped[2].text == free[2].text.substr(0, at));
  CHECK(stopped[2].ids.size() == at + 2);
  CHECK(stopped[2].finished);
  CHECK(stopped[2].stopped_by == params.stop[0]);
}

TEST_CASE("the room is kept: long prompts keep their end, answers never pass the context") {
  const auto model = random_model();
  const test::ByteTokenizer tokenizer(kVocabulary, {});
  SamplingParams params = sampled();
  params.max_new_tokens = 500;
  GenerateRequest longer, shorter{{1, 2, 3}, 5};
  for (std::int32_t t = 0; t < 90; ++t) longer.prompt_ids.push_back(t % 40);
  const auto done = BatchGenerator(*model, tokenizer, {2}).generate({longer, shorter}, params);
  CHECK(done[0].ids.size() == 12);
  CHECK(done[1].ids.size() == 45);
  CHECK(done[0].stopped_by == "length");
  CHECK_THROWS_AS(BatchGenerator(*model, tokenizer, {2}).generate({{}}, params), DataError);
}

TEST_CASE("int8 weights report what they do to log-probabilities") {
  const auto model = random_model();
  const test::ByteTokenizer tokenizer(kVocabulary, {});
  std::vector<WeightEffect> effects;
  GeneratorOptions options;
  options.on_weight_effect = [&](const WeightEffect& effect) { effects.push_back(effect); };
  BatchGenerator generator(*model, tokenizer, options);
  SamplingParams params = sampled();
  generator.generate(ragged_requests(), params);
  CHECK(effects.empty());
  params.weights = "int8";
  generator.generate(ragged_requests(), params);
  REQUIRE(effects.size() == 1);
  CHECK(effects[0].tokens == 8 * 12);
  CHECK(effects[0].mean_abs > 0);
  CHECK(effects[0].mean_abs < 0.2);
  CHECK(effects[0].max_abs >= effects[0].mean_abs);
  WithoutCache slow(*model);
  CHECK_THROWS_AS(BatchGenerator(slow, tokenizer, {2}).generate(ragged_requests(), params), ConfigError);
}

TEST_CASE("repetition penalty divides positive and multiplies negative logits, each token once") {
  std::vector<float> logits = {2, -2, 1, 0};
  const std::vector<std::int32_t> seen = {0, 1, 0, 9};
  penalise_repetition(logits, seen, 2.0);
  CHECK(logits == std::vector<float>{1, -4, 1, 0});
}

TEST_CASE("min_p keeps what is likely enough beside the likeliest") {
  SamplingParams params;
  params.temperature = 1;
  params.min_p = 0.3;
  const std::vector<float> logits = {std::log(0.5f), std::log(0.09f), std::log(0.25f), std::log(0.16f)};
  const auto kept = sampling_candidates(logits, params);
  REQUIRE(kept.size() == 3);
  CHECK(kept[0].id == 0);
  CHECK(kept[1].id == 2);
  CHECK(kept[2].id == 3);
  CHECK(std::abs(kept[0].probability - 0.5 / 0.91) < 1e-6);
}

TEST_CASE("a nucleus is the same found among few or sorted in full") {
  auto generator = at::detail::createCPUGenerator(3);
  const at::Tensor row = at::normal(0.0, 1.0, {5000}, generator, at::kFloat) * 0.2;
  const std::span<const float> logits(row.const_data_ptr<float>(), 5000);
  SamplingParams params;
  params.temperature = 1;
  params.top_p = 0.8;
  const auto kept = sampling_candidates(logits, params);
  const auto [sorted, order] = at::softmax(row.to(at::kDouble), 0).sort(0, true);
  std::int64_t expected = 0;
  for (double mass = 0; mass < 0.8; ++expected) mass += sorted[expected].item<double>();
  CHECK(static_cast<std::int64_t>(kept.size()) == expected);
  for (std::int64_t i = 0; i < expected; i += 100)
    CHECK(kept[static_cast<std::size_t>(i)].id == order[i].item<std::int64_t>());
}
