// Hugging Face's configurations of the llama family: reading them on import, writing them on export.
#include <nlohmann/json.hpp>

#include "llama.h"

namespace temper::llama {
namespace {

using Json = nlohmann::ordered_json;

std::string number(double value) { return to_text(ParamValue(value)); }

/// A value that may be absent or null.
template <class T>
T value_or(const Json& config, const char* key, T fallback) {
  return config.contains(key) && !config[key].is_null() ? config[key].get<T>() : fallback;
}

/// Rotary settings stand in `rope_scaling` and `rope_theta`, or together in `rope_parameters`.
void read_rope(const Json& config, std::vector<std::pair<std::string, std::string>>& values) {
  Json rope = Json::object();
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    if (config.contains(key) && config[key].is_object()) rope = config[key];
  }
  values.emplace_back("rope_base", number(value_or(rope, "rope_theta", value_or(config, "rope_theta", 10000.0))));
  const auto type = value_or(rope, "rope_type", value_or(rope, "type", std::string("default")));
  if (type == "default") return;
  if (type != "linear" && type != "llama3") {
    throw ConfigError("rope scaling is '" + type + "'; architecture llama has default, linear and llama3");
  }
  values.emplace_back("rope_scaling", type);
  values.emplace_back("rope_factor", number(rope.at("factor").get<double>()));
  if (type == "linear") return;
  values.emplace_back("rope_low_frequency", number(rope.at("low_freq_factor").get<double>()));
  values.emplace_back("rope_high_frequency", number(rope.at("high_freq_factor").get<double>()));
  values.emplace_back("rope_trained_positions",
                      std::to_string(rope.at("original_max_position_embeddings").get<std::int64_t>()));
}

}  // namespace

std::optional<ImportedConfig> llama_from_hugging_face(const std::string& config_json) {
  const Json config = Json::parse(config_json);
  const auto type = value_or(config, "model_type", std::string());
  if (type != "llama" && type != "qwen2" && type != "mistral" && type != "gemma") return std::nullopt;
  const bool gemma = type == "gemma";
  // Gemma's first files name GELU and mean its tanh form; where hidden_activation is given, it is what counts.
  const auto activation = gemma ? value_or(config, "hidden_activation", std::string("gelu_pytorch_tanh"))
                                : value_or(config, "hidden_act", std::string("silu"));
  const std::string known = gemma ? "gelu_pytorch_tanh" : "silu";
  if (activation != known) {
    throw ConfigError(std::string(gemma ? "hidden_activation" : "hidden_act") + " is '" + activation +
                      "'; architecture llama has only '" + known + "' for " + type);
  }
  if (value_or(config, "mlp_bias", false)) throw ConfigError("mlp_bias is true; architecture llama supports only false");
  const auto positions = config.at("max_position_embeddings").get<std::int64_t>();
  // A sliding window at least as long as the context changes nothing.
  const bool windowed = type == "mistral" ? value_or<std::int64_t>(config, "sliding_window", 0) > 0
                                          : value_or(config, "use_sliding_window", false);
  const auto window = value_or<std::int64_t>(config, "sliding_window", 0);
  if (windowed && window < positions) {
    throw ConfigError("sliding_window is " + std::to_string(window) + " of " + std::to_string(positions) +
                      " positions; architecture llama attends to all of the context");
  }
  const auto heads = config.at("num_attention_heads").get<std::int64_t>();
  std::string bias = value_or(config, "attention_bias", false) ? "all" : "none";
  if (type == "qwen2") bias = "qkv";
  ImportedConfig imported;
  imported.vocab_size = config.at("vocab_size").get<std::int64_t>();
  imported.values = {{"d_model", std::to_string(config.at("hidden_size").get<std::int64_t>())},
                     {"num_layers", std::to_string(config.at("num_hidden_layers").get<std::int64_t>())},
                     {"num_heads", std::to_string(heads)},
                     {"num_kv_heads", std::to_string(value_or(config, "num_key_value_heads", heads))},
                     {"head_width", std::to_string(value_or<std::int64_t>(config, "head_dim", 0))},
                     {"d_ff", std::to_string(config.at("intermediate_size").get<std::int64_t>())},
                     {"max_positions", std::to_string(positions)},
                     {"norm_epsilon", number(value_or(config, "rms_norm_eps", 1e-6))},
                     {"tied_head", value_or(config, "tie_word_embeddings", gemma) ? "true" : "false"},
                     {"attention_bias", bias}};
  if (gemma) {
    imported.values.insert(imported.values.end(),
                           {{"gate", "gelu_tanh"}, {"norm_from_one", "true"}, {"scaled_embedding", "true"}});
  }
  read_rope(config, imported.values);
  return imported;
}

std::string Llama::hugging_face_config() const {
  const bool qwen = params_.attention_bias == "qkv", gemma = params_.norm_from_one;
  if ((params_.gate == "gelu_tanh") != gemma || params_.scaled_embedding != gemma || (gemma && qwen)) {
    throw ConfigError(
        "Hugging Face has no model with these settings: gate gelu_tanh, norm_from_one and scaled_embedding go together "
        "there (gemma), and not with attention_bias qkv");
  }
  const char* type = gemma ? "gemma" : (qwen ? "qwen2" : "llama");
  const char* name = gemma ? "GemmaForCausalLM" : (qwen ? "Qwen2ForCausalLM" : "LlamaForCausalLM");
  Json config = {{"architectures", {name}},
                 {"model_type", type},
                 {"vocab_size", vocab_size_},
                 {"hidden_size", params_.d_model},
                 {"intermediate_size", params_.d_ff},
                 {"num_hidden_layers", params_.num_layers},
                 {"num_attention_heads", params_.num_heads},
                 {"num_key_value_heads", params_.num_kv_heads},
                 {"head_dim", params_.head_width},
                 {"hidden_act", gemma ? "gelu_pytorch_tanh" : "silu"},
                 {"max_position_embeddings", params_.max_positions},
                 {"rms_norm_eps", params_.norm_epsilon},
                 {"rope_theta", params_.rope_base},
                 {"tie_word_embeddings", params_.tied_head}};
  if (!qwen) config["attention_bias"] = params_.attention_bias == "all";
  if (qwen) config["use_sliding_window"] = false;
  if (gemma) config["hidden_activation"] = "gelu_pytorch_tanh";
  if (params_.rope_scaling == "linear") config["rope_scaling"] = {{"rope_type", "linear"}, {"factor", params_.rope_factor}};
  if (params_.rope_scaling == "llama3") {
    config["rope_scaling"] = {{"rope_type", "llama3"},
                              {"factor", params_.rope_factor},
                              {"low_freq_factor", params_.rope_low_frequency},
                              {"high_freq_factor", params_.rope_high_frequency},
                              {"original_max_position_embeddings", params_.rope_trained_positions}};
  }
  return config.dump(2);
}

}  // namespace temper::llama
