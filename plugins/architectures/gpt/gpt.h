// GPT-2 style decoder-only transformer: learned positions, pre-norm blocks, head tied to the token embedding; also the shape
// of OPT. Sources: Radford et al., "Language Models are Unsupervised Multitask Learners" (2019); Zhang et al., "OPT" (2022).
// The plugin's entry is plugin.cpp; the forward passes are in gpt.cpp.
// Shapes: B rows, T positions, D d_model, H heads, K head width, V vocabulary, P max positions.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "temper/architecture.h"
#include "temper/params.h"

namespace temper::gpt {

struct GptParams {
  std::int64_t d_model = 256;
  std::int64_t num_layers = 4;
  std::int64_t num_heads = 4;
  std::int64_t d_ff = 0;
  std::int64_t max_positions = 1024;
  double dropout = 0.0;
  double init_std = 0.02;
  double norm_epsilon = 1e-5;
  std::string activation = "gelu_tanh";
  bool prefix_attention = false;
  std::string layout = "gpt2";
};

ParamTable<GptParams> gpt_params();
/// Hugging Face's gpt2 and opt configurations (see registrar.h).
std::optional<ImportedConfig> gpt_from_hugging_face(const std::string& config_json);

struct LinearWeights {
  at::Tensor weight_OI, bias_O;
};
struct NormWeights {
  at::Tensor weight_D, bias_D;
};
/// Layer norm over the last dimension.
at::Tensor norm(const at::Tensor& x, const NormWeights& w, double epsilon);
struct Block {
  NormWeights norm_1, norm_2;
  LinearWeights qkv, attention_out, up, down;
};

class Gpt final : public Architecture, public IncrementalDecoder {
 public:
  Gpt(const GptParams& params, const Args& args);

  ArchitectureTraits traits() const override;
  at::Tensor hidden(const ModelInput& input) override;
  at::Tensor head() override { return token_embedding_VD_; }
  std::vector<NamedParameter> parameters() override;
  std::vector<WeightName> weight_names() const override;
  std::string hugging_face_config() const override;
  void train(bool on) override { training_ = on; }
  bool is_training() const override { return training_; }
  bool checkpoint_activations(bool on) override {
    checkpointing_ = on;
    return true;
  }
  double train_flops_per_token(std::int64_t context) const override;
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
  std::vector<Named> named() const;
  std::string opt_config() const;
  /// Rows of the position table before that of position 0.
  std::int64_t position_offset() const { return params_.layout == "opt" ? 2 : 0; }
  at::Tensor embed(const at::Tensor& ids_BT, const at::Tensor& positions_BT) const;
  at::Tensor activate(const at::Tensor& up_BTF) const;
  at::Tensor mlp(const Block& block, const at::Tensor& x_BTD) const;
  at::Tensor drop(const at::Tensor& x) const;
  /// One block over whole sequences; mask is undefined where plain causal attention is meant.
  at::Tensor run(const Block& block, const at::Tensor& x_BTD, const at::Tensor& mask) const;

  GptParams params_;
  std::int64_t vocab_size_, d_ff_;
  bool training_ = false, checkpointing_ = false;
  at::Tensor token_embedding_VD_, position_embedding_PD_;
  std::vector<Block> blocks_;
  NormWeights final_norm_;
  struct DecodeBlock {
    InferenceLinear qkv, attention_out, up, down;
  };
  std::vector<DecodeBlock> decode_blocks_;  ///< made by prepare_decoding
};

}  // namespace temper::gpt
