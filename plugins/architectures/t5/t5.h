// T5: an encoder-decoder with relative positions, in its first form (ReLU, head tied to the embedding) and in that of
// version 1.1 (gated GELU, a head of its own). Source: Raffel et al., "Exploring the Limits of Transfer Learning with a
// Unified Text-to-Text Transformer" (2020); Shazeer, "GLU Variants Improve Transformer" (2020) for the gate.
// plugin.cpp is the plugin's entry; t5.cpp has the forward pass, decode.cpp the one with a cache.
// Shapes: B rows, T decoder positions, S encoder positions, D d_model, H heads, K head width, I = H K, F d_ff, V vocabulary,
// R buckets.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "relative_bias.h"
#include "temper/architecture.h"
#include "temper/params.h"

namespace temper::t5 {

struct T5Params {
  std::int64_t d_model = 256;
  std::int64_t d_kv = 64;
  std::int64_t num_heads = 4;
  std::int64_t d_ff = 1024;
  std::int64_t num_layers = 4;
  std::int64_t num_decoder_layers = 0;
  std::int64_t relative_buckets = 32;
  std::int64_t relative_max_distance = 128;
  std::string feed_forward = "relu";
  bool tied_head = true;
  double dropout = 0.0;
  double norm_epsilon = 1e-6;
  double init_scale = 1.0;
  std::int64_t max_positions = 512;
};

ParamTable<T5Params> t5_params();
/// Hugging Face's t5 configurations (see registrar.h).
std::optional<ImportedConfig> t5_from_hugging_face(const std::string& config_json);

struct Attention {
  at::Tensor q_ID, k_ID, v_ID, o_DI;
};
struct FeedForward {
  at::Tensor in_FD, gated_FD, out_DF;  ///< gated_FD only with a gate: GELU(in x) * (gated x)
};
struct EncoderBlock {
  at::Tensor norm_1_D, norm_2_D;
  Attention self;
  FeedForward feed_forward;
};
struct DecoderBlock {
  at::Tensor norm_1_D, norm_2_D, norm_3_D;
  Attention self, cross;
  FeedForward feed_forward;
};

/// What decoder positions see of the source: the positions with their own segment number.
struct CrossMask {
  at::Tensor mask_B1TS;    ///< undefined: all see all
  at::Tensor reaches_BT1;  ///< 0 for positions without any source, whose sum of values must be nothing
};

class T5 final : public Architecture, public IncrementalDecoder {
 public:
  T5(const T5Params& params, const Args& args);

  ArchitectureTraits traits() const override;
  /// The decoder's; with a tied head they carry its factor d_model^-0.5 (P-T5-07).
  at::Tensor hidden(const ModelInput& input) override;
  at::Tensor head() override { return params_.tied_head ? embedding_VD_ : head_VD_; }
  std::vector<NamedParameter> parameters() override;
  std::vector<WeightName> weight_names() const override;
  std::string hugging_face_config() const override;
  void train(bool on) override { training_ = on; }
  bool is_training() const override { return training_; }
  bool checkpoint_activations(bool on) override {
    checkpointing_ = on;
    return true;
  }
  /// Of a decoder position, with as many source positions before it as the context is long.
  double train_flops_per_token(std::int64_t context) const override;
  double train_flops(std::int64_t tokens, std::int64_t source_tokens, std::int64_t context) const override;
  std::vector<std::pair<std::string, std::string>> tiny_preset() const override;

  void prepare_decoding(WeightFormat format) override;
  std::unique_ptr<DecodeState> make_state(std::int64_t places, std::int64_t room, std::int64_t source_room) override;
  at::Tensor prefill(DecodeState& state, std::span<const std::int64_t> places, const ModelInput& prompts) override;
  at::Tensor step(DecodeState& state, std::span<const std::int64_t> places, const at::Tensor& ids_B) override;

 private:
  struct Named {
    std::string name;  ///< as Hugging Face's T5ForConditionalGeneration has it
    at::Tensor tensor;
  };
  std::vector<Named> named() const;
  void check(const ModelInput& input) const;
  at::Tensor encode(const ModelInput& input) const;
  at::Tensor run(const EncoderBlock& block, const at::Tensor& x_BSD, const at::Tensor& mask) const;
  at::Tensor run(const DecoderBlock& block, const at::Tensor& x_BTD, const at::Tensor& source_BSD, const at::Tensor& mask,
                 const CrossMask& cross) const;
  at::Tensor attend(const Attention& weights, const at::Tensor& x_BTD, const at::Tensor& keys_from_BSD,
                    const at::Tensor& mask) const;
  at::Tensor feed_forward(const FeedForward& weights, const at::Tensor& x_BTD) const;
  at::Tensor activate(const at::Tensor& in_BTF) const;
  at::Tensor split_heads(const at::Tensor& x_BTI) const;
  at::Tensor norm(const at::Tensor& x, const at::Tensor& weight_D) const;
  at::Tensor drop(const at::Tensor& x) const;
  /// After the last norm: dropout, and a tied head's factor.
  at::Tensor finish(const at::Tensor& x) const;
  bool gated() const { return params_.feed_forward == "gated_gelu"; }
  Buckets encoder_buckets() const { return {params_.relative_buckets, params_.relative_max_distance, true}; }
  Buckets decoder_buckets() const { return {params_.relative_buckets, params_.relative_max_distance, false}; }

  T5Params params_;
  std::int64_t vocab_size_;
  bool training_ = false, checkpointing_ = false;
  at::Tensor embedding_VD_, head_VD_;             // head_VD_ only without tied_head
  at::Tensor encoder_bias_RH_, decoder_bias_RH_;  // of the first layers, shared by all
  std::vector<EncoderBlock> encoder_;
  std::vector<DecoderBlock> decoder_;
  at::Tensor encoder_norm_D_, decoder_norm_D_;
  struct DecodeBlock {
    InferenceLinear q, k, v, o, cross_q, cross_k, cross_v, cross_o, in, gated, out;
  };
  std::vector<DecodeBlock> decode_blocks_;  ///< made by prepare_decoding
};

}  // namespace temper::t5
