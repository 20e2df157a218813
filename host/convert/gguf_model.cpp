// Llama-family GGUF files in Hugging Face's terms (see gguf_model.h).
#include "host/convert/gguf_model.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "host/convert/gguf_rope.h"
#include "temper/error.h"
#include "temper/params.h"

namespace temper {
namespace {

using Json = nlohmann::ordered_json;

struct NamePair {
  const char *gguf, *hugging_face;
};
constexpr NamePair kOutside[] = {{"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"}, {"output", "lm_head"}};
constexpr NamePair kInside[] = {{"attn_norm", "input_layernorm"}, {"ffn_norm", "post_attention_layernorm"},
                                {"attn_q", "self_attn.q_proj"},   {"attn_k", "self_attn.k_proj"},
                                {"attn_v", "self_attn.v_proj"},   {"attn_output", "self_attn.o_proj"},
                                {"ffn_gate", "mlp.gate_proj"},    {"ffn_up", "mlp.up_proj"},
                                {"ffn_down", "mlp.down_proj"}};
// Becomes rope_scaling of the configuration.
constexpr const char* kRopeFactors = "rope_freqs.weight";

/// float32 metadata as people wrote them: 1e-05, not 9.99999974738e-06.
double as_written(double value) {
  char text[64];
  for (int digits = 1; digits <= 9; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    if (std::strtof(text, nullptr) == static_cast<float>(value)) return std::strtod(text, nullptr);
  }
  return value;
}

std::string renamed(std::string_view stem, std::span<const NamePair> pairs) {
  for (const auto& pair : pairs) {
    if (stem == pair.gguf) return pair.hugging_face;
  }
  return "";
}

}  // namespace

std::string hugging_face_name(const std::string& gguf_name) {
  const auto dot = gguf_name.rfind('.');
  if (dot == std::string::npos) return "";
  const std::string stem = gguf_name.substr(0, dot), end = gguf_name.substr(dot);
  if (end != ".weight" && end != ".bias") return "";
  if (!stem.starts_with("blk.")) {
    const std::string name = renamed(stem, kOutside);
    return name.empty() ? "" : name + end;
  }
  const auto second = stem.find('.', 4);
  if (second == std::string::npos) return "";
  const std::string number = stem.substr(4, second - 4), name = renamed(stem.substr(second + 1), kInside);
  if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos || name.empty()) return "";
  return "model.layers." + number + "." + name + end;
}

at::Tensor unpermute_rows(const at::Tensor& rows, std::int64_t heads) {
  std::vector<std::int64_t> shape = {heads, rows.size(0) / heads / 2, 2};
  shape.insert(shape.end(), rows.sizes().begin() + 1, rows.sizes().end());
  return rows.reshape(shape).transpose(1, 2).reshape(rows.sizes());
}

GgufWeights::GgufWeights(const GgufFile& file) : file_(file) {
  architecture_ = file.text("general.architecture").value_or("");
  if (architecture_ != "llama" && architecture_ != "qwen2") {
    file.refuse("its general.architecture is '" + architecture_ + "'; temper imports llama and qwen2 from GGUF");
  }
  if (file.integer(architecture_ + ".expert_count").value_or(0) > 0) file.refuse("it is a mixture of experts");
  for (const auto& [name, tensor] : file.tensors()) {
    if (name == kRopeFactors) continue;
    const std::string renamed_to = hugging_face_name(name);
    if (renamed_to.empty()) file.refuse("its tensor '" + name + "' is no part of a llama or qwen2 model");
    tensor_of_[renamed_to] = name;
  }
  make_config();
}

std::int64_t GgufWeights::needed(const std::string& key) const {
  const auto value = file_.integer(architecture_ + "." + key);
  if (!value) file_.refuse("it has no '" + architecture_ + "." + key + "'");
  if (*value < 1 || *value > (1 << 24)) file_.refuse("its '" + architecture_ + "." + key + "' is " + std::to_string(*value));
  return *value;
}

/// One number, or the same number for every layer.
std::int64_t GgufWeights::head_count(const std::string& key, std::int64_t fallback) const {
  const std::string full = architecture_ + "." + key;
  const auto found = file_.metadata().find(full);
  if (found == file_.metadata().end() && fallback > 0) return fallback;
  if (found == file_.metadata().end() || found->second.type != GgufType::kArray) return needed(key);
  const auto counts = *file_.integers(full);
  if (counts.empty() || counts[0] < 1 || std::count(counts.begin(), counts.end(), counts[0]) != std::ssize(counts)) {
    file_.refuse("its '" + full + "' differs between layers; temper reads models whose layers are alike");
  }
  return counts[0];
}

void GgufWeights::make_config() {
  heads_ = head_count("attention.head_count", 0);
  key_heads_ = head_count("attention.head_count_kv", heads_);
  const std::int64_t width = needed("embedding_length");
  const std::int64_t head_width = file_.integer(architecture_ + ".attention.key_length").value_or(width / heads_);
  if (head_width < 2 || head_width % 2 != 0) file_.refuse("its head width is " + std::to_string(head_width));
  for (const char* key : {".rope.dimension_count", ".attention.value_length"}) {
    const auto value = file_.integer(architecture_ + key).value_or(head_width);
    if (value != head_width) {
      file_.refuse("its '" + architecture_ + key + "' is " + std::to_string(value) + ", not the head width " +
                   std::to_string(head_width));
    }
  }
  const auto embedding = file_.tensors().find("token_embd.weight");
  if (embedding == file_.tensors().end() || embedding->second.shape.size() != 2) {
    file_.refuse("it has no matrix 'token_embd.weight'");
  }
  const auto epsilon = file_.number(architecture_ + ".attention.layer_norm_rms_epsilon");
  if (!epsilon) file_.refuse("it has no '" + architecture_ + ".attention.layer_norm_rms_epsilon'");
  const double base = as_written(file_.number(architecture_ + ".rope.freq_base").value_or(10000));
  const bool is_qwen = architecture_ == "qwen2";
  Json config = {{"architectures", {is_qwen ? "Qwen2ForCausalLM" : "LlamaForCausalLM"}},
                 {"model_type", architecture_},
                 {"vocab_size", embedding->second.shape[0]},
                 {"hidden_size", width},
                 {"intermediate_size", head_count("feed_forward_length", 0)},
                 {"num_hidden_layers", needed("block_count")},
                 {"num_attention_heads", heads_},
                 {"num_key_value_heads", key_heads_},
                 {"head_dim", head_width},
                 {"hidden_act", "silu"},
                 {"max_position_embeddings", needed("context_length")},
                 {"rms_norm_eps", as_written(*epsilon)},
                 {"rope_theta", base},
                 {"tie_word_embeddings", !tensor_of_.contains("lm_head.weight")}};
  if (!is_qwen) config["attention_bias"] = tensor_of_.contains("model.layers.0.self_attn.q_proj.bias");
  const Json scaling = rope_scaling_of(file_, architecture_, base, head_width);
  if (!scaling.is_null()) config["rope_scaling"] = scaling;
  config_json_ = config.dump(2);
}

std::map<std::string, std::vector<std::int64_t>> GgufWeights::shapes() const {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const auto& [name, gguf_name] : tensor_of_) shapes[name] = file_.tensors().at(gguf_name).shape;
  return shapes;
}

at::Tensor GgufWeights::read(const std::string& name) const {
  const at::Tensor tensor = file_.read(file_.tensors().at(tensor_of_.at(name)));
  const bool is_query = name.find(".q_proj.") != std::string::npos, is_key = name.find(".k_proj.") != std::string::npos;
  if (architecture_ != "llama" || (!is_query && !is_key)) return tensor;
  const std::int64_t heads = is_query ? heads_ : key_heads_;
  if (tensor.size(0) % (2 * heads) != 0) {
    file_.refuse("its tensor '" + tensor_of_.at(name) + "' has " + std::to_string(tensor.size(0)) +
                 " rows, which do not make pairs for " + std::to_string(heads) + " heads");
  }
  return unpermute_rows(tensor, heads);
}

}  // namespace temper
