// The gpt architecture over whole sequences: initial weights, forward pass, names. Decoding is in decode.cpp.
// Shapes: B rows, T positions, D d_model, H heads, K head width, V vocabulary.
#include "gpt.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "temper/attention.h"
#include "temper/recompute.h"

namespace temper::gpt {
namespace {

at::Tensor linear(const at::Tensor& x, const LinearWeights& w) { return at::linear(x, w.weight_OI, w.bias_O); }

/// q, k, v as [B, H, T, K] views of the joint projection.
std::array<at::Tensor, 3> split_heads(const at::Tensor& qkv_BTE, std::int64_t heads) {
  const auto parts = qkv_BTE.chunk(3, -1);
  std::array<at::Tensor, 3> result;
  for (std::size_t i = 0; i < 3; ++i) result[i] = parts[i].unflatten(-1, {heads, -1}).transpose(1, 2);
  return result;
}

at::Tensor merge_heads(const at::Tensor& y_BHTK) { return y_BHTK.transpose(1, 2).flatten(2); }

std::vector<at::Tensor> weights_of(const Block& block) {
  std::vector<at::Tensor> weights;
  for (const NormWeights* w : {&block.norm_1, &block.norm_2}) weights.insert(weights.end(), {w->weight_D, w->bias_D});
  for (const LinearWeights* w : {&block.qkv, &block.attention_out, &block.up, &block.down}) {
    weights.insert(weights.end(), {w->weight_OI, w->bias_O});
  }
  return weights;
}

}  // namespace

at::Tensor norm(const at::Tensor& x, const NormWeights& w, double epsilon) {
  return at::layer_norm(x, {x.size(-1)}, w.weight_D, w.bias_D, epsilon);
}

Gpt::Gpt(const GptParams& params, const Args& args)
    : params_(params), vocab_size_(args.vocab_size), d_ff_(params.d_ff > 0 ? params.d_ff : 4 * params.d_model) {
  const std::int64_t width = params_.d_model;
  auto generator = at::detail::createCPUGenerator(args.seed);
  const auto options = at::TensorOptions().dtype(at::kFloat);
  const auto matrix = [&](std::int64_t rows, std::int64_t columns, double std) {
    return at::normal(0.0, std, {rows, columns}, generator, options).requires_grad_();
  };
  const auto zeros = [&](std::int64_t size) { return at::zeros({size}, options).requires_grad_(); };
  const auto ones = [&](std::int64_t size) { return at::ones({size}, options).requires_grad_(); };
  const double std = params_.init_std;
  // GPT-2 scales the projections into the residual stream by 1/sqrt(2 layers).
  const double residual_std = std / std::sqrt(2.0 * static_cast<double>(params_.num_layers));
  token_embedding_VD_ = matrix(vocab_size_, width, std);
  position_embedding_PD_ = matrix(params_.max_positions + position_offset(), width, std);
  for (std::int64_t layer = 0; layer < params_.num_layers; ++layer) {
    Block block;
    block.norm_1 = {ones(width), zeros(width)};
    block.qkv = {matrix(3 * width, width, std), zeros(3 * width)};
    block.attention_out = {matrix(width, width, residual_std), zeros(width)};
    block.norm_2 = {ones(width), zeros(width)};
    block.up = {matrix(d_ff_, width, std), zeros(d_ff_)};
    block.down = {matrix(width, d_ff_, residual_std), zeros(width)};
    blocks_.push_back(std::move(block));
  }
  final_norm_ = {ones(width), zeros(width)};
}

ArchitectureTraits Gpt::traits() const {
  return {false, vocab_size_, params_.d_model, params_.max_positions, params_.prefix_attention};
}

at::Tensor Gpt::drop(const at::Tensor& x) const {
  return training_ && params_.dropout > 0 ? at::dropout(x, params_.dropout, true) : x;
}

at::Tensor Gpt::embed(const at::Tensor& ids_BT, const at::Tensor& positions_BT) const {
  const at::Tensor rows_BT = position_offset() > 0 ? positions_BT + position_offset() : positions_BT;
  return drop(at::embedding(token_embedding_VD_, ids_BT) + at::embedding(position_embedding_PD_, rows_BT));
}

at::Tensor Gpt::activate(const at::Tensor& up_BTF) const {
  if (params_.activation == "relu") return at::relu(up_BTF);
  return at::gelu(up_BTF, params_.activation == "gelu_tanh" ? "tanh" : "none");
}

at::Tensor Gpt::mlp(const Block& block, const at::Tensor& x_BTD) const {
  const at::Tensor up_BTF = linear(norm(x_BTD, block.norm_2, params_.norm_epsilon), block.up);
  return drop(linear(activate(up_BTF), block.down));
}

at::Tensor Gpt::run(const Block& block, const at::Tensor& x_BTD, const at::Tensor& mask) const {
  const auto [q, k, v] = split_heads(linear(norm(x_BTD, block.norm_1, params_.norm_epsilon), block.qkv), params_.num_heads);
  const at::Tensor y_BHTK = at::scaled_dot_product_attention(
      q, k, v, mask.defined() ? std::optional<at::Tensor>(mask.to(q.scalar_type())) : std::nullopt,
      training_ ? params_.dropout : 0.0, !mask.defined());
  const at::Tensor s_BTD = x_BTD + drop(linear(merge_heads(y_BHTK), block.attention_out));
  return s_BTD + mlp(block, s_BTD);
}

at::Tensor Gpt::hidden(const ModelInput& input) {
  if (input.source_ids_BS.defined()) {
    throw ConfigError("architecture gpt is decoder-only but was given encoder input; choose an objective without a source");
  }
  const std::int64_t length = input.ids_BT.size(1);
  if (length > params_.max_positions) {
    throw ConfigError("context " + std::to_string(length) + " is longer than max_positions = " +
                      std::to_string(params_.max_positions) + " of architecture gpt; raise max_positions or lower context");
  }
  const at::Tensor mask = decoder_mask(input, params_.prefix_attention);
  at::Tensor x_BTD = embed(input.ids_BT, positions_of(input));
  for (const auto& block : blocks_) {
    const auto forward = [this, &block, mask](const std::vector<at::Tensor>& inputs) { return run(block, inputs[0], mask); };
    x_BTD = checkpointing_ ? recomputed({x_BTD}, weights_of(block), forward) : forward({x_BTD});
  }
  return norm(x_BTD, final_norm_, params_.norm_epsilon);
}

std::vector<Gpt::Named> Gpt::named() const {
  std::vector<Named> all;
  const auto add_norm = [&](const std::string& name, const NormWeights& w) {
    all.push_back({name + ".weight", w.weight_D, false});
    all.push_back({name + ".bias", w.bias_D, false});
  };
  const auto add_linear = [&](const std::string& name, const LinearWeights& w) {
    all.push_back({name + ".weight", w.weight_OI, true});
    all.push_back({name + ".bias", w.bias_O, false});
  };
  all.push_back({"transformer.wte.weight", token_embedding_VD_, true});
  all.push_back({"transformer.wpe.weight", position_embedding_PD_, true});
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    const std::string prefix = "transformer.h." + std::to_string(layer) + ".";
    add_norm(prefix + "ln_1", blocks_[layer].norm_1);
    add_linear(prefix + "attn.c_attn", blocks_[layer].qkv);
    add_linear(prefix + "attn.c_proj", blocks_[layer].attention_out);
    add_norm(prefix + "ln_2", blocks_[layer].norm_2);
    add_linear(prefix + "mlp.c_fc", blocks_[layer].up);
    add_linear(prefix + "mlp.c_proj", blocks_[layer].down);
  }
  add_norm("transformer.ln_f", final_norm_);
  return all;
}

std::vector<NamedParameter> Gpt::parameters() {
  std::vector<NamedParameter> parameters;
  for (auto& entry : named()) parameters.push_back({entry.name, entry.tensor, entry.decay});
  return parameters;
}

double Gpt::train_flops_per_token(std::int64_t context) const {
  const auto width = static_cast<double>(params_.d_model), layers = static_cast<double>(params_.num_layers);
  const double matrices = layers * (4 * width * width + 2 * width * static_cast<double>(d_ff_));
  const double head = static_cast<double>(vocab_size_) * width;
  // Backward costs twice the forward pass; attention scores and sums are 4 D T multiply-adds a layer and position.
  return 6 * (matrices + head) + 12 * layers * width * static_cast<double>(context);
}

std::vector<std::pair<std::string, std::string>> Gpt::tiny_preset() const {
  return {{"d_model", "32"}, {"num_layers", "2"}, {"num_heads", "4"}, {"max_positions", "64"}};
}

}  // namespace temper::gpt
