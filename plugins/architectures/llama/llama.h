// Llama-family decoder-only transformer: RMS norm, rotary positions, SwiGLU, grouped-query attention, head tied or not,
// biases on q, k, v (Qwen2) or on all attention projections as an option, and what Gemma does otherwise.
// Sources: Touvron et al., "LLaMA" (2023) and "Llama 2" (2023); Ainslie et al., "GQA" (2023); Qwen2 technical report (2024);
// Gemma technical report (2024).
// Shapes: B rows, T positions, D d_model, H heads, G key heads, K head width, R = K / 2, F d_ff, V vocabulary.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "temper/architecture.h"
#include "temper/inference.h"
#include "temper/params.h"

namespace temper::llama {

struct LlamaParams {
  std::int64_t d_model = 256;
  std::int64_t num_layers = 4;
  std::int64_t num_heads = 4;
  std::int64_t num_kv_heads = 0;
  std::int64_t head_width = 0;
  std::int64_t d_ff = 0;
  std::int64_t max_positions = 1024;
  double rope_base = 10000;
  std::string rope_scaling = "none";
  double rope_factor = 1;
  double rope_low_frequency = 1, rope_high_frequency = 4;
  std::int64_t rope_trained_positions = 8192;
  double norm_epsilon = 1e-5;
  bool tied_head = true;
  std::string attention_bias = "none";
  std::string gate = "silu";
  bool norm_from_one = false, scaled_embedding = false;
  double dropout = 0.0;
  double init_std = 0.02;
  bool prefix_attention = false;
};

ParamTable<LlamaParams> llama_params();
/// Hugging Face's llama, qwen2, mistral and gemma configurations (see registrar.h).
std::optional<ImportedConfig> llama_from_hugging_face(const std::string& config_json);

struct LinearWeights {
  at::Tensor weight_OI, bias_O;  ///< the bias may be undefined
};
struct Block {
  at::Tensor norm_1_D, norm_2_D;
  LinearWeights q, k, v, out, gate, up, down;
};
/// cos and sin of every position, float32.
struct Angles {
  at::Tensor cos_TR, sin_TR;
};

class Llama final : public Architecture, public IncrementalDecoder {
 public:
  Llama(const LlamaParams& params, const Args& args);

  ArchitectureTraits traits() const override;
  at::Tensor hidden(const ModelInput& input) override;
  at::Tensor head() override { return params_.tied_head ? token_embedding_VD_ : head_VD_; }
  std::vector<NamedParameter> parameters() override;
  std::vector<WeightName> weight_names() const override;
  void train(bool on) override { training_ = on; }
  bool is_training() const override { return training_; }
  bool checkpoint_activations(bool on) override {
    checkpointing_ = on;
    return true;
  }
  double train_flops_per_token(std::int64_t context) const override;
  std::string hugging_face_config() const override;
  std::vector<std::pair<std::string, std::string>> tiny_preset() const override;

  void prepare_decoding(WeightFormat format) override;
  std::unique_ptr<DecodeState> make_state(std::int64_t places, std::int64_t room, std::int64_t source_room) override;
  at::Tensor prefill(DecodeState& state, std::span<const std::int64_t> places, const ModelInput& prompts) override;
  at::Tensor step(DecodeState& state, std::span<const std::int64_t> places, const at::Tensor& ids_B) override;

 private:
  struct Named {
    std::string name;
    at::Tensor tensor;
    bool decay;
  };
  struct DecodeBlock {
    InferenceLinear q, k, v, out, gate, up, down;
  };
  std::vector<Named> named() const;
  /// Rows of the angle tables for these positions; the tables grow as needed.
  Angles angles(const at::Tensor& positions);
  at::Tensor drop(const at::Tensor& x) const;
  at::Tensor embedded(const at::Tensor& ids) const;
  at::Tensor norm(const at::Tensor& x, const at::Tensor& weight_D) const;
  /// The gate's activation times up.
  at::Tensor gated(const at::Tensor& gate, const at::Tensor& up) const;
  /// One block over whole sequences; mask is undefined where plain causal attention is meant.
  at::Tensor run(const Block& block, const at::Tensor& x_BTD, const at::Tensor& mask, const Angles& angles) const;

  LlamaParams params_;
  std::int64_t vocab_size_;
  bool training_ = false, checkpointing_ = false;
  at::Tensor token_embedding_VD_, head_VD_, final_norm_D_;
  std::vector<Block> blocks_;
  std::vector<DecodeBlock> decode_blocks_;
  Angles table_;
};

/// Inverse frequencies of the rotary embedding [R], after scaling ("linear" or Llama 3's), in double.
at::Tensor rope_frequencies(const LlamaParams& params);

}  // namespace temper::llama
