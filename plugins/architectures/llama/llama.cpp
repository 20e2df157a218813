// The llama architecture over whole sequences: initial weights, forward pass, names. Decoding is in decode.cpp, rotary
// frequencies in rope.cpp.
// Shapes: B rows, T positions, D d_model, H heads, G key heads, K head width, N = B T rows of activations.
#include "llama.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "temper/attention.h"
#include "temper/recompute.h"

namespace temper::llama {
namespace {

at::Tensor linear(const at::Tensor& x, const LinearWeights& w) { return at::linear(x, w.weight_OI, w.bias_O); }

std::vector<at::Tensor> weights_of(const Block& block) {
  std::vector<at::Tensor> weights{block.norm_1_D, block.norm_2_D};
  for (const LinearWeights* w : {&block.q, &block.k, &block.v, &block.out, &block.gate, &block.up, &block.down}) {
    weights.insert(weights.end(), {w->weight_OI, w->bias_O});
  }
  return weights;
}

}  // namespace

Llama::Llama(const LlamaParams& params, const Args& args) : params_(params), vocab_size_(args.vocab_size) {
  if (params_.num_kv_heads == 0) params_.num_kv_heads = params_.num_heads;
  if (params_.head_width == 0) params_.head_width = params_.d_model / params_.num_heads;
  // Llama's own choice: two thirds of four times the width, rounded up to a multiple of 32.
  if (params_.d_ff == 0) params_.d_ff = (8 * params_.d_model / 3 + 31) / 32 * 32;
  const std::int64_t width = params_.d_model, queries = params_.num_heads * params_.head_width;
  const std::int64_t keys = params_.num_kv_heads * params_.head_width;
  auto generator = at::detail::createCPUGenerator(args.seed);
  const auto options = at::TensorOptions().dtype(at::kFloat);
  const auto matrix = [&](std::int64_t rows, std::int64_t columns, double std) {
    return at::normal(0.0, std, {rows, columns}, generator, options).requires_grad_();
  };
  const auto unit = [&](std::int64_t size) {
    return at::full({size}, params_.norm_from_one ? 0.0 : 1.0, options).requires_grad_();
  };
  const auto bias = [&](std::int64_t size, bool wanted) {
    return wanted ? at::zeros({size}, options).requires_grad_() : at::Tensor();
  };
  const bool qkv_bias = params_.attention_bias != "none", out_bias = params_.attention_bias == "all";
  const double std = params_.init_std;
  const double residual_std = std / std::sqrt(2.0 * static_cast<double>(params_.num_layers));
  token_embedding_VD_ = matrix(vocab_size_, width, std);
  for (std::int64_t layer = 0; layer < params_.num_layers; ++layer) {
    Block block;
    block.norm_1_D = unit(width);
    block.q = {matrix(queries, width, std), bias(queries, qkv_bias)};
    block.k = {matrix(keys, width, std), bias(keys, qkv_bias)};
    block.v = {matrix(keys, width, std), bias(keys, qkv_bias)};
    block.out = {matrix(width, queries, residual_std), bias(width, out_bias)};
    block.norm_2_D = unit(width);
    block.gate = {matrix(params_.d_ff, width, std), {}};
    block.up = {matrix(params_.d_ff, width, std), {}};
    block.down = {matrix(width, params_.d_ff, residual_std), {}};
    blocks_.push_back(std::move(block));
  }
  final_norm_D_ = unit(width);
  if (!params_.tied_head) head_VD_ = matrix(vocab_size_, width, std);
}

ArchitectureTraits Llama::traits() const {
  return {false, vocab_size_, params_.d_model, params_.max_positions, params_.prefix_attention};
}

at::Tensor Llama::drop(const at::Tensor& x) const {
  return training_ && params_.dropout > 0 ? at::dropout(x, params_.dropout, true) : x;
}

at::Tensor Llama::embedded(const at::Tensor& ids) const {
  const at::Tensor x = at::embedding(token_embedding_VD_, ids);
  return params_.scaled_embedding ? x * std::sqrt(static_cast<double>(params_.d_model)) : x;
}

at::Tensor Llama::norm(const at::Tensor& x, const at::Tensor& weight_D) const {
  // The sum is taken in the weight's float32, whatever the activations' type (P-MODEL-07).
  return rms_norm(x, params_.norm_from_one ? weight_D + 1 : weight_D, params_.norm_epsilon);
}

at::Tensor Llama::gated(const at::Tensor& gate, const at::Tensor& up) const {
  return params_.gate == "silu" ? silu_times(gate, up) : at::gelu(gate, "tanh") * up;
}

at::Tensor Llama::run(const Block& block, const at::Tensor& x_BTD, const at::Tensor& mask, const Angles& angles) const {
  const std::int64_t rows = x_BTD.size(0), length = x_BTD.size(1);
  const auto& [cos_NR, sin_NR] = angles;
  const at::Tensor n_BTD = norm(x_BTD, block.norm_1_D);
  const auto heads = [&](const at::Tensor& x) { return x.view({rows * length, -1, params_.head_width}); };
  const auto by_head = [&](const at::Tensor& x_NHK) {
    return x_NHK.view({rows, length, -1, params_.head_width}).transpose(1, 2);
  };
  const at::Tensor q_BHTK = by_head(rotary(heads(linear(n_BTD, block.q)), cos_NR, sin_NR));
  const at::Tensor k_BGTK = by_head(rotary(heads(linear(n_BTD, block.k)), cos_NR, sin_NR));
  const at::Tensor v_BGTK = by_head(heads(linear(n_BTD, block.v)));
  const at::Tensor y_BHTK = at::scaled_dot_product_attention(
      q_BHTK, k_BGTK, v_BGTK, mask.defined() ? std::optional<at::Tensor>(mask.to(q_BHTK.scalar_type())) : std::nullopt,
      training_ ? params_.dropout : 0.0, !mask.defined(), std::nullopt, params_.num_kv_heads != params_.num_heads);
  const at::Tensor s_BTD = x_BTD + drop(linear(y_BHTK.transpose(1, 2).flatten(2), block.out));
  const at::Tensor m_BTD = norm(s_BTD, block.norm_2_D);
  return s_BTD + drop(linear(gated(linear(m_BTD, block.gate), linear(m_BTD, block.up)), block.down));
}

at::Tensor Llama::hidden(const ModelInput& input) {
  if (input.source_ids_BS.defined()) {
    throw ConfigError(
        "architecture llama is decoder-only but was given encoder input; choose an objective without a source");
  }
  const std::int64_t length = input.ids_BT.size(1);
  if (length > params_.max_positions) {
    throw ConfigError("context " + std::to_string(length) +
                      " is longer than max_positions = " + std::to_string(params_.max_positions) +
                      " of architecture llama; raise max_positions or lower context");
  }
  const at::Tensor mask = decoder_mask(input, params_.prefix_attention);
  const Angles rotation = angles(positions_of(input));
  at::Tensor x_BTD = drop(embedded(input.ids_BT));
  for (const auto& block : blocks_) {
    const auto forward = [this, &block, mask, rotation](const std::vector<at::Tensor>& inputs) {
      return run(block, inputs[0], mask, rotation);
    };
    x_BTD = checkpointing_ ? recomputed({x_BTD}, weights_of(block), forward) : forward({x_BTD});
  }
  return norm(x_BTD, final_norm_D_);
}

std::vector<Llama::Named> Llama::named() const {
  std::vector<Named> all;
  const auto add_linear = [&](const std::string& name, const LinearWeights& w) {
    all.push_back({name + ".weight", w.weight_OI, true});
    if (w.bias_O.defined()) all.push_back({name + ".bias", w.bias_O, false});
  };
  all.push_back({"model.embed_tokens.weight", token_embedding_VD_, true});
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".";
    const Block& block = blocks_[layer];
    all.push_back({prefix + "input_layernorm.weight", block.norm_1_D, false});
    add_linear(prefix + "self_attn.q_proj", block.q);
    add_linear(prefix + "self_attn.k_proj", block.k);
    add_linear(prefix + "self_attn.v_proj", block.v);
    add_linear(prefix + "self_attn.o_proj", block.out);
    all.push_back({prefix + "post_attention_layernorm.weight", block.norm_2_D, false});
    add_linear(prefix + "mlp.gate_proj", block.gate);
    add_linear(prefix + "mlp.up_proj", block.up);
    add_linear(prefix + "mlp.down_proj", block.down);
  }
  all.push_back({"model.norm.weight", final_norm_D_, false});
  if (!params_.tied_head) all.push_back({"lm_head.weight", head_VD_, true});
  return all;
}

std::vector<NamedParameter> Llama::parameters() {
  std::vector<NamedParameter> parameters;
  for (auto& entry : named()) parameters.push_back({entry.name, entry.tensor, entry.decay});
  return parameters;
}

std::vector<WeightName> Llama::weight_names() const {
  std::vector<WeightName> names;
  for (const auto& entry : named()) names.push_back({entry.name, entry.name});
  return names;
}

double Llama::train_flops_per_token(std::int64_t context) const {
  const auto width = static_cast<double>(params_.d_model), layers = static_cast<double>(params_.num_layers);
  const auto queries = static_cast<double>(params_.num_heads * params_.head_width);
  const auto keys = static_cast<double>(params_.num_kv_heads * params_.head_width);
  const double matrices = layers * (2 * width * queries + 2 * width * keys + 3 * width * static_cast<double>(params_.d_ff));
  const double head = static_cast<double>(vocab_size_) * width;
  // Backward costs twice the forward pass; attention scores and sums are 4 H K T multiply-adds a layer and position.
  return 6 * (matrices + head) + 12 * layers * queries * static_cast<double>(context);
}

std::vector<std::pair<std::string, std::string>> Llama::tiny_preset() const {
  return {{"d_model", "64"},       {"num_layers", "2"},    {"num_heads", "4"},       {"num_kv_heads", "2"},
          {"max_positions", "64"}, {"tied_head", "false"}, {"attention_bias", "all"}};
}

}  // namespace temper::llama
