// A registry with the architectures and the tokenizer that imports need, and small models to import: a Hugging Face folder
// of the llama family with weights from a formula, and a SentencePiece model of single characters.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gpt.h"
#include "host/convert/gguf_tokenizer.h"
#include "host/plugin/registry.h"
#include "host/train/safetensors.h"
#include "host/util/progress.h"
#include "llama.h"
#include "temp_folder.h"
#include "tokenizer.h"

namespace temper::test {

using Json = nlohmann::ordered_json;
using Tensors = std::map<std::string, at::Tensor>;

class IntoRegistry final : public Registrar {
 public:
  explicit IntoRegistry(Registry& registry) : registry_(registry) {}

 protected:
  void add_registration(Registration registration) override {
    registry_.add(std::move(registration), std::make_shared<PluginInfo>());
  }

 private:
  Registry& registry_;
};

inline void add_architectures(IntoRegistry& into) {
  into.add<Architecture>(
      "llama", "Llama.", llama::llama_params(),
      [](const llama::LlamaParams& p, const Architecture::Args& args) { return std::make_unique<llama::Llama>(p, args); },
      llama::llama_from_hugging_face);
  into.add<Architecture>(
      "gpt", "GPT.", gpt::gpt_params(),
      [](const gpt::GptParams& p, const Architecture::Args& args) { return std::make_unique<gpt::Gpt>(p, args); },
      gpt::gpt_from_hugging_face);
}

inline std::unique_ptr<Registry> make_registry() {
  auto registry = std::make_unique<Registry>();
  IntoRegistry into(*registry);
  add_architectures(into);
  into.add<Tokenizer>("sentencepiece", "SentencePiece.", sentencepiece_plugin::sentencepiece_params(),
                      [](const sentencepiece_plugin::SentencepieceParams& p, const Tokenizer::Args& args) {
                        return std::make_unique<sentencepiece_plugin::SentencepieceTokenizer>(p, args);
                      });
  registry->freeze();
  return registry;
}

/// <unk> <s> </s>, 256 bytes, a space and some letters and pairs.
inline SentencepieceModel characters() {
  SentencepieceModel model;
  model.unknown = "<unk>", model.bos = "<s>", model.eos = "</s>";
  model.byte_fallback = true;
  model.pieces = {"<unk>", "<s>", "</s>"};
  model.types = {2, 3, 3};
  for (int byte = 0; byte < 256; ++byte) {
    char piece[8];
    std::snprintf(piece, sizeof piece, "<0x%02X>", static_cast<unsigned>(byte));
    model.pieces.emplace_back(piece);
    model.types.push_back(6);
  }
  for (const char* piece : {"\u2581", "a", "b", "c", "d", "ab", "cd", "\u2581ab"}) {
    model.pieces.emplace_back(piece);
    model.types.push_back(1);
  }
  for (std::size_t i = 0; i < model.pieces.size(); ++i) model.scores.push_back(i < 259 ? 0.0F : -static_cast<float>(i));
  return model;
}
constexpr std::int64_t kTokens = 267, kVocabulary = 272;

inline at::Tensor wave(std::vector<std::int64_t> shape, double shift) {
  std::int64_t count = 1;
  for (const auto size : shape) count *= size;
  return at::arange(count, at::kDouble).mul(0.37).add(shift).sin().mul(0.1).to(at::kFloat).reshape(shape);
}

inline Json llama_config(bool tied) {
  return {
      {"model_type", "llama"},         {"vocab_size", kVocabulary}, {"hidden_size", 16},        {"intermediate_size", 24},
      {"num_hidden_layers", 2},        {"num_attention_heads", 4},  {"num_key_value_heads", 2}, {"head_dim", 4},
      {"max_position_embeddings", 32}, {"rms_norm_eps", 1e-5},      {"rope_theta", 10000.0},    {"hidden_act", "silu"},
      {"tie_word_embeddings", tied},   {"attention_bias", false},   {"eos_token_id", 2}};
}

inline Tensors llama_tensors(bool with_head) {
  Tensors tensors;
  double shift = 0;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    tensors[name] = wave(std::move(shape), shift += 1.3);
  };
  add("model.embed_tokens.weight", {kVocabulary, 16});
  for (const char* layer : {"model.layers.0.", "model.layers.1."}) {
    add(std::string(layer) + "input_layernorm.weight", {16});
    add(std::string(layer) + "post_attention_layernorm.weight", {16});
    add(std::string(layer) + "self_attn.q_proj.weight", {16, 16});
    add(std::string(layer) + "self_attn.k_proj.weight", {8, 16});
    add(std::string(layer) + "self_attn.v_proj.weight", {8, 16});
    add(std::string(layer) + "self_attn.o_proj.weight", {16, 16});
    add(std::string(layer) + "mlp.gate_proj.weight", {24, 16});
    add(std::string(layer) + "mlp.up_proj.weight", {24, 16});
    add(std::string(layer) + "mlp.down_proj.weight", {16, 24});
  }
  add("model.norm.weight", {16});
  if (with_head) add("lm_head.weight", {kVocabulary, 16});
  return tensors;
}

/// A folder as Hugging Face has it, with these tensors in one file.
inline std::filesystem::path write_folder(const std::string& name, const Json& config, const Tensors& tensors) {
  const auto folder = fresh_folder(name);
  write_bytes(folder / "config.json", config.dump());
  write_bytes(folder / "tokenizer.model", sentencepiece_bytes(characters()));
  write_safetensors(folder / "model.safetensors", {tensors, {{"format", "pt"}}});
  return folder;
}

}  // namespace temper::test
