// llama (and gpt's Hugging Face side) against transformers: the configuration is read as an import reads it, logits and
// greedy continuations have to be transformers' (tests/reference/llama has the numbers and the script).
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "byte_tokenizer.h"
#include "catch.h"
#include "gpt.h"
#include "host/infer/engine.h"
#include "llama.h"
#include "temper/testing.h"

using namespace temper;
using Json = nlohmann::json;

namespace {

Json reference() {
  std::ifstream file(std::string(TEMPER_SOURCE_DIR) + "/tests/reference/llama/llama_reference.json");
  return Json::parse(file);
}

template <class Params, class Model>
std::unique_ptr<Architecture> build(const ParamTable<Params>& table, const ImportedConfig& imported) {
  const std::map<std::string, std::string> given(imported.values.begin(), imported.values.end());
  return std::make_unique<Model>(table.parse(values_from_text(table.specs(), given)),
                                 Architecture::Args{imported.vocab_size, 3});
}

std::unique_ptr<Architecture> model_of(const std::string& config) {
  if (const auto imported = llama::llama_from_hugging_face(config)) {
    return build<llama::LlamaParams, llama::Llama>(llama::llama_params(), *imported);
  }
  const auto imported = gpt::gpt_from_hugging_face(config);
  REQUIRE(imported);
  return build<gpt::GptParams, gpt::Gpt>(gpt::gpt_params(), *imported);
}

/// The formula of make_reference.py, by the parameter's number.
void set_reference_weights(Architecture& model) {
  const at::NoGradGuard guard;
  double number = 0;
  for (auto& parameter : model.parameters()) {
    const bool norm =
        (parameter.name.find("norm") != std::string::npos || parameter.name.find("ln_") != std::string::npos) &&
        parameter.name.ends_with("weight");
    const double scale = norm ? 0.05 : 0.1, offset = norm ? 1.0 : 0.0;
    float* values = parameter.tensor.data_ptr<float>();
    for (std::int64_t n = 0; n < parameter.tensor.numel(); ++n) {
      const auto i = static_cast<double>(n);
      values[n] =
          static_cast<float>(offset + scale * (std::sin(0.37 * i + 1.3 * number) + std::sin(0.0101 * i * i / (1 + number))));
    }
    ++number;
  }
}

at::Tensor ids_of(const Json& rows) {
  std::vector<at::Tensor> all;
  for (const auto& row : rows) all.push_back(at::tensor(row.get<std::vector<std::int64_t>>(), at::kLong));
  return at::stack(all);
}

at::Tensor logits_of(const Json& rows) {
  std::vector<at::Tensor> all;
  for (const auto& row : rows) {
    for (const auto& position : row) all.push_back(at::tensor(position.get<std::vector<float>>()));
  }
  return at::stack(all);
}

}  // namespace

TEST_CASE("logits and greedy continuations equal transformers'") {
  const at::NoGradGuard guard;
  for (const auto& one : reference()) {
    INFO(one.at("name").get<std::string>());
    const auto model = model_of(one.at("config").dump());
    set_reference_weights(*model);
    model->train(false);
    ModelInput input;
    input.ids_BT = ids_of(one.at("ids"));
    const at::Tensor logits = model->logits(input).flatten(0, 1);
    CHECK((logits - logits_of(one.at("logits"))).abs().max().item<double>() < 1e-4);

    const test::ByteTokenizer tokenizer(61);
    DecodeEngine engine(*model, tokenizer, WeightFormat::kFloat32, {2, 12, 16});
    std::vector<std::vector<std::int32_t>> prompts;
    std::vector<Begin> begins;
    for (const auto& row : one.at("ids")) prompts.push_back(row.get<std::vector<std::int32_t>>());
    for (std::size_t i = 0; i < prompts.size(); ++i) begins.push_back({static_cast<std::int64_t>(1 - i), &prompts[i]});
    at::Tensor next_BV = engine.begin(begins);
    std::vector<std::vector<std::int64_t>> answers(2);
    for (int step = 0; step < 16; ++step) {
      if (step > 0) next_BV = engine.advance({1, 0}, {answers[0].back(), answers[1].back()});
      const at::Tensor best_B = next_BV.argmax(1);
      for (std::size_t i = 0; i < 2; ++i) answers[i].push_back(best_B[static_cast<std::int64_t>(i)].item<std::int64_t>());
    }
    for (std::size_t i = 0; i < 2; ++i) CHECK(answers[i] == one.at("greedy")[i].get<std::vector<std::int64_t>>());
  }
}

TEST_CASE("a written configuration is read back as the same model") {
  for (const auto& one : reference()) {
    INFO(one.at("name").get<std::string>());
    const auto model = model_of(one.at("config").dump());
    const auto again = model_of(model->hugging_face_config());
    const auto a = model->parameters(), b = again->parameters();
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      CHECK(a[i].name == b[i].name);
      CHECK(a[i].tensor.equal(b[i].tensor));
    }
    ModelInput input;
    input.ids_BT = ids_of(one.at("ids"));
    model->train(false);
    again->train(false);
    CHECK(model->logits(input).equal(again->logits(input)));
  }
}

TEST_CASE("norm weights from one are added to one once, in float32, P-MODEL-07") {
  const at::NoGradGuard guard;
  llama::LlamaParams params;
  params.d_model = 32;
  params.num_layers = 2;
  params.num_heads = 2;
  llama::Llama plain(params, {61, 3});
  params.norm_from_one = true;
  llama::Llama from_one(params, {61, 3});
  const auto a = plain.parameters(), b = from_one.parameters();
  REQUIRE(a.size() == b.size());
  // 1 + 3.140625 is no bfloat16 number: added there it would be 4.125.
  for (const float stored : {0.0F, -0.5F, 3.140625F}) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (a[i].name.find("norm") == std::string::npos) {
        CHECK(a[i].tensor.equal(b[i].tensor));
        continue;
      }
      if (stored == 0) {
        CHECK(a[i].tensor.equal(at::ones_like(a[i].tensor)));
        CHECK(b[i].tensor.equal(at::zeros_like(b[i].tensor)));
      }
      at::Tensor(a[i].tensor).fill_(1 + stored);
      at::Tensor(b[i].tensor).fill_(stored);
    }
    ModelInput input;
    input.ids_BT = at::tensor({3, 1, 4, 1, 5}, at::kLong).unsqueeze(0);
    CHECK(plain.logits(input).equal(from_one.logits(input)));
  }
  CHECK_THROWS_WITH(from_one.hugging_face_config(), ContainsSubstring("norm_from_one"));
}

TEST_CASE("settings that would change the arithmetic are refused by name") {
  Json config = reference()[0].at("config");
  const auto refused = [&](const char* key, const Json& value) {
    Json changed = config;
    changed[key] = value;
    try {
      llama::llama_from_hugging_face(changed.dump());
    } catch (const ConfigError& error) {
      return std::string(error.what()).find(std::string(key)) != std::string::npos ||
             std::string(error.what()).find("rope") != std::string::npos;
    }
    return false;
  };
  CHECK(refused("hidden_act", "gelu"));
  Json gemma = reference()[3].at("config");
  REQUIRE(gemma.at("model_type") == "gemma");
  gemma["hidden_activation"] = "relu";
  CHECK_THROWS_WITH(llama::llama_from_hugging_face(gemma.dump()), ContainsSubstring("hidden_activation is 'relu'"));
  CHECK(refused("mlp_bias", true));
  CHECK(refused("rope_parameters", Json{{"rope_type", "yarn"}, {"factor", 2.0}}));
  config["model_type"] = "mistral";
  CHECK(refused("sliding_window", 8));
  config["model_type"] = "somebody_elses";
  CHECK_FALSE(llama::llama_from_hugging_face(config.dump()));
}

TEST_CASE("key heads are repeated, not tiled (P-MODEL-03)") {
  auto table = llama::llama_params();
  const auto with = [&](const char* heads, const char* key_heads) {
    return table.parse(values_from_text(
        table.specs(), {{"d_model", "32"}, {"num_layers", "1"}, {"num_heads", heads}, {"num_kv_heads", key_heads}}));
  };
  CHECK_THROWS_AS(with("4", "3"), ConfigError);
  const at::NoGradGuard guard;
  // A model with two key heads equals one with four whose key and value rows repeat each head for its two queries.
  llama::Llama grouped(with("4", "2"), {17, 1}), full(with("4", "4"), {17, 2});
  const auto from = grouped.parameters();
  auto into = full.parameters();
  for (std::size_t i = 0; i < from.size(); ++i) {
    at::Tensor source = from[i].tensor;
    if (source.sizes() != into[i].tensor.sizes()) source = source.view({2, 8, -1}).repeat_interleave(2, 0).flatten(0, 1);
    into[i].tensor.copy_(source);
  }
  ModelInput input;
  input.ids_BT = at::arange(12, at::kLong).view({1, 12});
  grouped.train(false);
  full.train(false);
  CHECK((grouped.logits(input) - full.logits(input)).abs().max().item<double>() < 1e-6);
}

TEST_CASE("a prefix is seen in both directions, in training and in decoding") {
  const at::NoGradGuard guard;
  auto table = llama::llama_params();
  const auto params = table.parse(values_from_text(
      table.specs(), {{"d_model", "32"}, {"num_layers", "2"}, {"num_heads", "2"}, {"prefix_attention", "true"}}));
  llama::Llama model(params, {17, 1});
  model.train(false);
  ModelInput input;
  input.ids_BT = at::arange(10, at::kLong).view({1, 10});
  input.prefix_BT = (input.ids_BT < 4).to(at::kLong);
  const at::Tensor before = model.hidden(input);
  ModelInput changed = input;
  changed.ids_BT = input.ids_BT.clone();
  changed.ids_BT[0][3] = 16;
  CHECK((model.hidden(changed) - before).narrow(1, 0, 1).abs().max().item<double>() > 1e-6);
  changed.ids_BT = input.ids_BT.clone();
  changed.ids_BT[0][6] = 16;
  CHECK((model.hidden(changed) - before).narrow(1, 0, 6).abs().max().item<double>() < 1e-6);

  const test::ByteTokenizer tokenizer(17);
  DecodeEngine engine(model, tokenizer, WeightFormat::kFloat32, {1, 4, 8});
  const std::vector<std::int32_t> prompt = {0, 1, 2, 3};
  at::Tensor next_BV = engine.begin({{0, &prompt}});
  for (std::int64_t t = 4; t < 10; ++t) next_BV = engine.advance({0}, {t});
  CHECK((next_BV - model.logits(input).select(1, 9)).abs().max().item<double>() < 1e-4);
}
