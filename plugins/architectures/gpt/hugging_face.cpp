// Hugging Face's configurations of GPT-2 and OPT, read on import and written on export, and their names of the weights.
#include <nlohmann/json.hpp>

#include "gpt.h"

namespace temper::gpt {
namespace {

using Json = nlohmann::ordered_json;

std::int64_t number_or(const Json& config, const char* key, std::int64_t fallback) {
  return config.contains(key) && !config[key].is_null() ? config[key].get<std::int64_t>() : fallback;
}

void require_flag(const Json& config, const char* key, bool wanted) {
  if (config.value(key, wanted) == wanted) return;
  throw ConfigError(std::string(key) + " is " + (wanted ? "false" : "true") + "; architecture gpt supports only " +
                    (wanted ? "true" : "false"));
}

void require_tied(const Json& config) {
  if (config.value("tie_word_embeddings", true)) return;
  throw ConfigError("tie_word_embeddings is false; architecture gpt ties its head to the embedding");
}

/// "gelu" is the exact form there; "gelu_new" and "gelu_pytorch_tanh" are the tanh form (P-MODEL-08).
std::string activation_of(const std::string& name) {
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return "gelu_tanh";
  if (name == "gelu") return "gelu_erf";
  throw ConfigError("activation_function is '" + name + "'; architecture gpt has gelu_new, gelu_pytorch_tanh and gelu");
}

ImportedConfig from_gpt2(const Json& config) {
  for (const char* key : {"scale_attn_by_inverse_layer_idx", "reorder_and_upcast_attn", "add_cross_attention"}) {
    require_flag(config, key, false);
  }
  require_flag(config, "scale_attn_weights", true);
  require_tied(config);
  ImportedConfig imported;
  imported.vocab_size = config.at("vocab_size").get<std::int64_t>();
  imported.values = {{"d_model", std::to_string(number_or(config, "n_embd", 768))},
                     {"num_layers", std::to_string(number_or(config, "n_layer", 12))},
                     {"num_heads", std::to_string(number_or(config, "n_head", 12))},
                     {"d_ff", std::to_string(number_or(config, "n_inner", 0))},
                     {"max_positions", std::to_string(number_or(config, "n_positions", 1024))},
                     {"norm_epsilon", to_text(ParamValue(config.value("layer_norm_epsilon", 1e-5)))},
                     {"activation", activation_of(config.value("activation_function", std::string("gelu_new")))}};
  return imported;
}

ImportedConfig from_opt(const Json& config) {
  // OPT-350m alone normalises behind its blocks and has a narrower embedding.
  require_flag(config, "do_layer_norm_before", true);
  require_flag(config, "enable_bias", true);
  require_flag(config, "layer_norm_elementwise_affine", true);
  require_flag(config, "_remove_final_layer_norm", false);
  require_tied(config);
  const std::int64_t width = number_or(config, "hidden_size", 768), narrow = number_or(config, "word_embed_proj_dim", width);
  if (narrow != width) {
    throw ConfigError("word_embed_proj_dim is " + std::to_string(narrow) + " and hidden_size " + std::to_string(width) +
                      "; architecture gpt supports only equal ones");
  }
  const std::string activation = config.value("activation_function", std::string("relu"));
  ImportedConfig imported;
  imported.vocab_size = config.at("vocab_size").get<std::int64_t>();
  imported.values = {{"d_model", std::to_string(width)},
                     {"num_layers", std::to_string(number_or(config, "num_hidden_layers", 12))},
                     {"num_heads", std::to_string(number_or(config, "num_attention_heads", 12))},
                     {"d_ff", std::to_string(number_or(config, "ffn_dim", 3072))},
                     {"max_positions", std::to_string(number_or(config, "max_position_embeddings", 2048))},
                     {"activation", activation == "relu" ? activation : activation_of(activation)},
                     {"layout", "opt"}};
  return imported;
}

/// Where a parameter of one block is in OPT's files: q, k and v are apart there.
void add_opt_block(std::vector<WeightName>& names, const std::string& ours, const std::string& theirs, std::int64_t width) {
  for (const char* part : {".weight", ".bias"}) {
    std::int64_t row = 0;
    for (const char* one : {"q", "k", "v"}) {
      names.push_back({ours + "attn.c_attn" + part, theirs + "self_attn." + one + "_proj" + part, false, row, width});
      row += width;
    }
    for (const auto& [own, other] :
         {std::pair("ln_1", "self_attn_layer_norm"), std::pair("attn.c_proj", "self_attn.out_proj"),
          std::pair("ln_2", "final_layer_norm"), std::pair("mlp.c_fc", "fc1"), std::pair("mlp.c_proj", "fc2")}) {
      names.push_back({ours + own + part, theirs + other + part});
    }
  }
}

}  // namespace

std::optional<ImportedConfig> gpt_from_hugging_face(const std::string& config_json) {
  const Json config = Json::parse(config_json);
  const std::string type = config.value("model_type", std::string());
  if (type == "gpt2") return from_gpt2(config);
  if (type == "opt") return from_opt(config);
  return std::nullopt;
}

std::vector<WeightName> Gpt::weight_names() const {
  std::vector<WeightName> names;
  if (params_.layout == "gpt2") {
    // GPT-2's linear layers are kept [in, out]; its embeddings, the other matrices, are not.
    for (const auto& entry : named()) {
      const bool embedding = entry.name == "transformer.wte.weight" || entry.name == "transformer.wpe.weight";
      names.push_back({entry.name, entry.name, entry.tensor.dim() == 2 && !embedding});
    }
    return names;
  }
  names.push_back({"transformer.wte.weight", "model.decoder.embed_tokens.weight"});
  names.push_back({"transformer.wpe.weight", "model.decoder.embed_positions.weight"});
  for (std::int64_t layer = 0; layer < params_.num_layers; ++layer) {
    const std::string number = std::to_string(layer) + ".";
    add_opt_block(names, "transformer.h." + number, "model.decoder.layers." + number, params_.d_model);
  }
  for (const char* part : {".weight", ".bias"}) {
    names.push_back({std::string("transformer.ln_f") + part, std::string("model.decoder.final_layer_norm") + part});
  }
  return names;
}

std::string Gpt::opt_config() const {
  // Its library normalises with 1e-5 and has no name for that.
  if (params_.norm_epsilon != 1e-5) {
    throw ConfigError("norm_epsilon is " + to_text(ParamValue(params_.norm_epsilon)) +
                      ", but OPT's checkpoints have 1e-5 always; this model cannot be exported with layout opt");
  }
  const Json config = {{"architectures", {"OPTForCausalLM"}},
                       {"model_type", "opt"},
                       {"vocab_size", vocab_size_},
                       {"max_position_embeddings", params_.max_positions},
                       {"hidden_size", params_.d_model},
                       {"word_embed_proj_dim", params_.d_model},
                       {"num_hidden_layers", params_.num_layers},
                       {"num_attention_heads", params_.num_heads},
                       {"ffn_dim", d_ff_},
                       {"activation_function", params_.activation == "relu"        ? "relu"
                                               : params_.activation == "gelu_tanh" ? "gelu_new"
                                                                                   : "gelu"},
                       {"do_layer_norm_before", true},
                       {"dropout", params_.dropout},
                       {"attention_dropout", params_.dropout},
                       {"tie_word_embeddings", true}};
  return config.dump(2);
}

std::string Gpt::hugging_face_config() const {
  if (params_.layout == "opt") return opt_config();
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
