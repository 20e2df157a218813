// Hugging Face's configuration of GPT-2: reading it on import, writing it on export.
#include <nlohmann/json.hpp>

#include "gpt.h"

namespace temper::gpt {
namespace {

using Json = nlohmann::ordered_json;

/// "gelu" is the exact form there; "gelu_new" and "gelu_pytorch_tanh" are the tanh form (P-MODEL-08).
std::string activation_of(const std::string& name) {
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return "gelu_tanh";
  if (name == "gelu") return "gelu_erf";
  throw ConfigError("activation_function is '" + name + "'; architecture gpt has gelu_new, gelu_pytorch_tanh and gelu");
}

}  // namespace

std::optional<ImportedConfig> gpt_from_hugging_face(const std::string& config_json) {
  const Json config = Json::parse(config_json);
  if (config.value("model_type", std::string()) != "gpt2") return std::nullopt;
  for (const char* key : {"scale_attn_by_inverse_layer_idx", "reorder_and_upcast_attn", "add_cross_attention"}) {
    if (config.value(key, false)) throw ConfigError(std::string(key) + " is true; architecture gpt supports only false");
  }
  if (!config.value("scale_attn_weights", true)) {
    throw ConfigError("scale_attn_weights is false; architecture gpt supports only true");
  }
  if (!config.value("tie_word_embeddings", true)) {
    throw ConfigError("tie_word_embeddings is false; architecture gpt ties its head to the embedding");
  }
  ImportedConfig imported;
  imported.vocab_size = config.at("vocab_size").get<std::int64_t>();
  const auto number = [&](const char* key, std::int64_t fallback) {
    return config.contains(key) && !config[key].is_null() ? config[key].get<std::int64_t>() : fallback;
  };
  imported.values = {{"d_model", std::to_string(number("n_embd", 768))},
                     {"num_layers", std::to_string(number("n_layer", 12))},
                     {"num_heads", std::to_string(number("n_head", 12))},
                     {"d_ff", std::to_string(number("n_inner", 0))},
                     {"max_positions", std::to_string(number("n_positions", 1024))},
                     {"norm_epsilon", to_text(ParamValue(config.value("layer_norm_epsilon", 1e-5)))},
                     {"activation", activation_of(config.value("activation_function", std::string("gelu_new")))}};
  return imported;
}

std::string Gpt::hugging_face_config() const {
  const Json config = {{"architectures", {"GPT2LMHeadModel"}},
                       {"model_type", "gpt2"},
                       {"vocab_size", vocab_size_},
                       {"n_positions", params_.max_positions},
                       {"n_embd", params_.d_model},
                       {"n_layer", params_.num_layers},
                       {"n_head", params_.num_heads},
                       {"n_inner", d_ff_},
                       {"activation_function", params_.activation == "gelu_tanh" ? "gelu_new" : "gelu"},
                       {"layer_norm_epsilon", params_.norm_epsilon},
                       {"resid_pdrop", params_.dropout},
                       {"embd_pdrop", params_.dropout},
                       {"attn_pdrop", params_.dropout},
                       {"tie_word_embeddings", true}};
  return config.dump(2);
}

}  // namespace temper::gpt
