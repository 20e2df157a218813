// Hugging Face's configuration of T5: reading it on import, writing it on export.
#include <nlohmann/json.hpp>

#include "t5.h"

namespace temper::t5 {
namespace {

using Json = nlohmann::ordered_json;

/// "gated-gelu" means the tanh form there (P-T5-10).
std::string feed_forward_of(const std::string& name) {
  if (name == "relu") return "relu";
  if (name == "gated-gelu") return "gated_gelu";
  throw ConfigError("feed_forward_proj is '" + name + "'; architecture t5 has relu and gated-gelu");
}

}  // namespace

std::optional<ImportedConfig> t5_from_hugging_face(const std::string& config_json) {
  const Json config = Json::parse(config_json);
  // mt5 and umt5 are not taken: what their tie_word_embeddings means differs between versions of transformers, and umt5 has
  // a position bias in every layer.
  if (config.value("model_type", std::string()) != "t5") return std::nullopt;
  if (!config.value("is_encoder_decoder", true)) {
    throw ConfigError("is_encoder_decoder is false; architecture t5 supports only true");
  }
  const auto number = [&](const char* key, std::int64_t fallback) {
    return config.contains(key) && !config[key].is_null() ? config[key].get<std::int64_t>() : fallback;
  };
  const auto real = [&](const char* key, double fallback) {
    return to_text(ParamValue(config.contains(key) && !config[key].is_null() ? config[key].get<double>() : fallback));
  };
  const std::string feed_forward = feed_forward_of(config.value("feed_forward_proj", std::string("relu")));
  const std::string activation = config.value("dense_act_fn", std::string());
  const std::string expected = feed_forward == "relu" ? "relu" : "gelu_new";
  if (!activation.empty() && activation != expected) {
    throw ConfigError("dense_act_fn is '" + activation + "' beside feed_forward_proj '" +
                      config.value("feed_forward_proj", std::string("relu")) + "'; architecture t5 supports only '" +
                      expected + "' there");
  }
  ImportedConfig imported;
  imported.vocab_size = number("vocab_size", 32128);
  // Newer transformers write tie_word_embeddings as true for every T5; what tells the forms apart is this one.
  const bool tied = config.value("tie_word_embeddings", true) && config.value("scale_decoder_outputs", true);
  imported.values = {{"d_model", std::to_string(number("d_model", 512))},
                     {"d_kv", std::to_string(number("d_kv", 64))},
                     {"num_heads", std::to_string(number("num_heads", 8))},
                     {"d_ff", std::to_string(number("d_ff", 2048))},
                     {"num_layers", std::to_string(number("num_layers", 6))},
                     {"num_decoder_layers", std::to_string(number("num_decoder_layers", 0))},
                     {"relative_buckets", std::to_string(number("relative_attention_num_buckets", 32))},
                     {"relative_max_distance", std::to_string(number("relative_attention_max_distance", 128))},
                     {"feed_forward", feed_forward},
                     {"tied_head", to_text(ParamValue(tied))},
                     {"norm_epsilon", real("layer_norm_epsilon", 1e-6)},
                     {"max_positions", std::to_string(number("n_positions", 512))}};
  return imported;
}

std::string T5::hugging_face_config() const {
  Json config = {{"architectures", {"T5ForConditionalGeneration"}},
                 {"model_type", "t5"},
                 {"is_encoder_decoder", true},
                 {"vocab_size", vocab_size_},
                 {"d_model", params_.d_model},
                 {"d_kv", params_.d_kv},
                 {"d_ff", params_.d_ff},
                 {"num_layers", params_.num_layers},
                 {"num_decoder_layers", params_.num_decoder_layers},
                 {"num_heads", params_.num_heads},
                 {"relative_attention_num_buckets", params_.relative_buckets},
                 {"relative_attention_max_distance", params_.relative_max_distance},
                 {"feed_forward_proj", gated() ? "gated-gelu" : "relu"},
                 {"dropout_rate", params_.dropout},
                 {"layer_norm_epsilon", params_.norm_epsilon},
                 {"initializer_factor", params_.init_scale},
                 {"tie_word_embeddings", params_.tied_head}};
  if (params_.max_positions > 0) config["n_positions"] = params_.max_positions;
  return config.dump(2);
}

}  // namespace temper::t5
