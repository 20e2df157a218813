// gpt with OPT's layout against transformers (tests/reference/gpt/make_opt_reference.py): logits and greedy continuation
// from an OPT configuration, the names of its weights, and what of such configurations is refused.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "byte_tokenizer.h"
#include "catch.h"
#include "gpt.h"
#include "host/infer/generator.h"
#include "temper/testing.h"

using namespace temper;
using Json = nlohmann::json;

namespace {

Json reference() {
  std::ifstream file(std::string(TEMPER_SOURCE_DIR) + "/tests/reference/gpt/opt_reference.json");
  return Json::parse(file);
}

gpt::Gpt model_of(const Json& config) {
  const auto imported = gpt::gpt_from_hugging_face(config.dump());
  REQUIRE(imported.has_value());
  const auto table = gpt::gpt_params();
  const std::map<std::string, std::string> given(imported->values.begin(), imported->values.end());
  return gpt::Gpt(table.parse(values_from_text(table.specs(), given)), {imported->vocab_size, 3});
}

/// The script's formula, by the weight's number among the Hugging Face names.
void set_reference_weights(gpt::Gpt& model) {
  const at::NoGradGuard guard;
  const auto names = model.weight_names();
  const auto parameters = model.parameters();
  for (std::size_t number = 0; number < names.size(); ++number) {
    const auto& name = names[number];
    const auto found =
        std::find_if(parameters.begin(), parameters.end(), [&](const auto& p) { return p.name == name.name; });
    REQUIRE(found != parameters.end());
    CHECK_FALSE(name.transposed);
    at::Tensor rows = found->tensor;
    if (name.num_rows > 0) rows = rows.narrow(0, name.first_row, name.num_rows);
    const bool norm = name.hugging_face_name.find("norm") != std::string::npos && name.hugging_face_name.ends_with("weight");
    const at::Tensor i = at::arange(rows.numel(), at::kDouble);
    const auto n = static_cast<double>(number);
    const at::Tensor waves = (i * 0.37 + 1.3 * n).sin() + (i * i * 0.0101 / (1 + n)).sin();
    rows.copy_((waves * (norm ? 0.05 : 0.1) + (norm ? 1.0 : 0.0)).reshape(rows.sizes()));
  }
}

}  // namespace

TEST_CASE("OPT's logits and greedy continuation are transformers'") {
  const Json expected = reference();
  auto model = model_of(expected.at("config"));
  set_reference_weights(model);
  model.train(false);
  const at::NoGradGuard guard;
  const auto rows = expected.at("ids").get<std::vector<std::vector<std::int64_t>>>();
  for (std::size_t b = 0; b < rows.size(); ++b) {
    ModelInput input;
    input.ids_BT = at::tensor(rows[b], at::kLong).unsqueeze(0);
    const at::Tensor logits_TV = model.logits(input)[0];
    double worst = 0;
    for (std::size_t i = 0; i < expected.at("logits")[b].size(); ++i) {
      const at::Tensor theirs_V = at::tensor(expected.at("logits")[b][i].get<std::vector<float>>());
      worst = std::max(worst, (logits_TV[static_cast<std::int64_t>(5 * i)] - theirs_V).abs().max().item<double>());
    }
    CHECK(worst < 1e-5);
  }
  const test::ByteTokenizer tokenizer(model.traits().vocab_size, {});
  SamplingParams greedy;
  greedy.max_new_tokens = static_cast<std::int64_t>(expected.at("greedy").size());
  const std::vector<std::int32_t> prompt(rows[0].begin(), rows[0].end());
  const auto done = BatchGenerator(model, tokenizer, {}).generate({{prompt, 1}}, greedy);
  CHECK(done[0].ids == expected.at("greedy").get<std::vector<std::int32_t>>());
}

TEST_CASE("an OPT goes back into the configuration that it came from") {
  const Json config = reference().at("config"), back = Json::parse(model_of(config).hugging_face_config());
  for (const auto& [key, value] : back.items()) {
    INFO(key);
    if (key != "architectures" && key != "dropout" && key != "attention_dropout") CHECK(config.at(key) == value);
  }
}

TEST_CASE("OPT configurations of another shape are refused by the name of what differs") {
  const Json config = reference().at("config");
  for (const auto& [key, value] : {std::pair<std::string, Json>("do_layer_norm_before", false),
                                   {"word_embed_proj_dim", 16},
                                   {"tie_word_embeddings", false},
                                   {"enable_bias", false},
                                   {"activation_function", "silu"}}) {
    Json other = config;
    other[key] = value;
    CHECK_THROWS_WITH(gpt::gpt_from_hugging_face(other.dump()), ContainsSubstring(key));
  }
}
