// Weights and the forward pass over whole sequences (see t5.h).
// Shapes: B rows, T decoder positions, S encoder positions, D d_model, H heads, K head width, I = H K, F d_ff, V vocabulary.
#include "t5.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <limits>

#include "temper/attention.h"
#include "temper/recompute.h"

namespace temper::t5 {
namespace {

constexpr double kForbidden = -std::numeric_limits<double>::infinity();

/// 0 where a position may look, -inf elsewhere.
at::Tensor additive(const at::Tensor& allowed, const at::Tensor& like) {
  return at::zeros(allowed.sizes(), like.options().requires_grad(false)).masked_fill_(allowed.logical_not(), kForbidden);
}

CrossMask cross_mask(const ModelInput& input, const at::Tensor& like) {
  if (!input.source_segments_BS.defined()) return {};
  const at::Tensor source_B1S = input.source_segments_BS.unsqueeze(1);
  const at::Tensor segments_BT = input.segments_BT.defined() ? input.segments_BT : at::zeros_like(input.ids_BT);
  const at::Tensor allowed_BTS = (segments_BT.unsqueeze(2) == source_B1S).logical_and(source_B1S != kPaddingSegment);
  const at::Tensor reaches_BT1 = allowed_BTS.any(2, true);
  // A softmax over nothing would be NaN: such a position sees everything and then keeps none of it.
  return {additive(allowed_BTS.logical_or(reaches_BT1.logical_not()).unsqueeze(1), like), reaches_BT1};
}

at::Tensor causal_mask(const ModelInput& input, const at::Tensor& like) {
  const at::Tensor mask = decoder_mask(input, /*prefix_attention=*/false);
  if (mask.defined()) return mask.to(like.scalar_type());
  const std::int64_t length = input.ids_BT.size(1);
  return at::full({length, length}, kForbidden, like.options().requires_grad(false)).triu_(1);
}

void add(std::vector<at::Tensor>& weights, const Attention& w) {
  weights.insert(weights.end(), {w.q_ID, w.k_ID, w.v_ID, w.o_DI});
}

void add(std::vector<at::Tensor>& weights, const FeedForward& w) {
  weights.insert(weights.end(), {w.in_FD, w.gated_FD, w.out_DF});
}

std::vector<at::Tensor> weights_of(const EncoderBlock& block) {
  std::vector<at::Tensor> weights{block.norm_1_D, block.norm_2_D};
  add(weights, block.self);
  add(weights, block.feed_forward);
  return weights;
}

std::vector<at::Tensor> weights_of(const DecoderBlock& block) {
  std::vector<at::Tensor> weights{block.norm_1_D, block.norm_2_D, block.norm_3_D};
  add(weights, block.self);
  add(weights, block.cross);
  add(weights, block.feed_forward);
  return weights;
}

/// Multiply-adds of a position, and of it and each position that it looks at.
struct Work {
  double matrices = 0, each_pair = 0;
  /// Backward costs twice the forward pass, and a multiply-add counts as two.
  double flops(std::int64_t context) const { return 6 * (matrices + each_pair * static_cast<double>(context)); }
};

}  // namespace

T5::T5(const T5Params& params, const Args& args) : params_(params), vocab_size_(args.vocab_size) {
  if (params_.num_decoder_layers == 0) params_.num_decoder_layers = params_.num_layers;
  const std::int64_t width = params_.d_model, inner = params_.num_heads * params_.d_kv, wide = params_.d_ff;
  auto generator = at::detail::createCPUGenerator(args.seed);
  const auto options = at::TensorOptions().dtype(at::kFloat);
  // Mesh TensorFlow's scales: every product keeps the size of its input. q takes the place of a division by sqrt(K).
  const auto matrix = [&](std::int64_t rows, std::int64_t columns, double fan_in) {
    const double std = params_.init_scale / std::sqrt(fan_in);
    return at::normal(0.0, std, {rows, columns}, generator, options).requires_grad_();
  };
  const auto d = static_cast<double>(width), k = static_cast<double>(params_.d_kv), i = static_cast<double>(inner);
  const auto ones = [&] { return at::ones({width}, options).requires_grad_(); };
  const auto attention = [&] {
    return Attention{matrix(inner, width, d * k), matrix(inner, width, d), matrix(inner, width, d), matrix(width, inner, i)};
  };
  const auto feed_forward = [&] {
    return FeedForward{matrix(wide, width, d), gated() ? matrix(wide, width, d) : at::Tensor(),
                       matrix(width, wide, static_cast<double>(wide))};
  };
  // Less than Mesh TensorFlow's where the embedding, or what takes its place, is the head: with its 1 a fresh model would
  // not guess evenly, since every position votes for the token that it has just read. Much less makes learning slow.
  embedding_VD_ = matrix(vocab_size_, width, params_.tied_head ? 2 : 1);
  if (!params_.tied_head) head_VD_ = matrix(vocab_size_, width, 4 * d);
  encoder_bias_RH_ = matrix(params_.relative_buckets, params_.num_heads, d);
  decoder_bias_RH_ = matrix(params_.relative_buckets, params_.num_heads, d);
  for (std::int64_t layer = 0; layer < params_.num_layers; ++layer) {
    encoder_.push_back({ones(), ones(), attention(), feed_forward()});
  }
  for (std::int64_t layer = 0; layer < params_.num_decoder_layers; ++layer) {
    decoder_.push_back({ones(), ones(), ones(), attention(), attention(), feed_forward()});
  }
  encoder_norm_D_ = ones();
  decoder_norm_D_ = ones();
}

ArchitectureTraits T5::traits() const { return {true, vocab_size_, params_.d_model, params_.max_positions}; }

at::Tensor T5::norm(const at::Tensor& x, const at::Tensor& weight_D) const {
  return rms_norm(x, weight_D, params_.norm_epsilon);
}

at::Tensor T5::drop(const at::Tensor& x) const {
  return training_ && params_.dropout > 0 ? at::dropout(x, params_.dropout, true) : x;
}

at::Tensor T5::finish(const at::Tensor& x) const {
  const at::Tensor y = drop(x);
  return params_.tied_head ? y * (1.0 / std::sqrt(static_cast<double>(params_.d_model))) : y;
}

at::Tensor T5::split_heads(const at::Tensor& x_BTI) const {
  return x_BTI.unflatten(-1, {params_.num_heads, params_.d_kv}).transpose(1, 2);
}

at::Tensor T5::activate(const at::Tensor& in_BTF) const { return gated() ? at::gelu(in_BTF, "tanh") : at::relu(in_BTF); }

at::Tensor T5::attend(const Attention& weights, const at::Tensor& x_BTD, const at::Tensor& keys_from_BSD,
                      const at::Tensor& mask) const {
  const at::Tensor q_BHTK = split_heads(at::linear(x_BTD, weights.q_ID));
  const at::Tensor k_BHSK = split_heads(at::linear(keys_from_BSD, weights.k_ID));
  const at::Tensor v_BHSK = split_heads(at::linear(keys_from_BSD, weights.v_ID));
  const at::Tensor y_BHTK = at::scaled_dot_product_attention(
      q_BHTK, k_BHSK, v_BHSK, mask.defined() ? std::optional<at::Tensor>(mask) : std::nullopt,
      training_ ? params_.dropout : 0.0, /*is_causal=*/false, /*scale=*/1.0);
  return at::linear(y_BHTK.transpose(1, 2).flatten(2), weights.o_DI);
}

at::Tensor T5::feed_forward(const FeedForward& weights, const at::Tensor& x_BTD) const {
  at::Tensor in_BTF = activate(at::linear(x_BTD, weights.in_FD));
  if (weights.gated_FD.defined()) in_BTF = in_BTF * at::linear(x_BTD, weights.gated_FD);
  return at::linear(drop(in_BTF), weights.out_DF);
}

void T5::check(const ModelInput& input) const {
  if (!input.source_ids_BS.defined()) {
    throw ConfigError(
        "architecture t5 is an encoder-decoder but was given no encoder input; choose an objective with a source, such as "
        "span_corruption, or a decoder-only architecture");
  }
  const std::int64_t length = input.ids_BT.size(1);
  if (params_.max_positions > 0 && length > params_.max_positions) {
    throw ConfigError("context " + std::to_string(length) +
                      " is longer than max_positions = " + std::to_string(params_.max_positions) +
                      " of architecture t5; raise max_positions (0: no limit) " + "or lower context");
  }
}

at::Tensor T5::run(const EncoderBlock& block, const at::Tensor& x_BSD, const at::Tensor& mask) const {
  const at::Tensor normed_BSD = norm(x_BSD, block.norm_1_D);
  const at::Tensor s_BSD = x_BSD + drop(attend(block.self, normed_BSD, normed_BSD, mask));
  return s_BSD + drop(feed_forward(block.feed_forward, norm(s_BSD, block.norm_2_D)));
}

at::Tensor T5::run(const DecoderBlock& block, const at::Tensor& x_BTD, const at::Tensor& source_BSD, const at::Tensor& mask,
                   const CrossMask& cross) const {
  const at::Tensor normed_BTD = norm(x_BTD, block.norm_1_D);
  at::Tensor s_BTD = x_BTD + drop(attend(block.self, normed_BTD, normed_BTD, mask));
  at::Tensor seen_BTD = attend(block.cross, norm(s_BTD, block.norm_2_D), source_BSD, cross.mask_B1TS);
  if (cross.reaches_BT1.defined()) seen_BTD = seen_BTD * cross.reaches_BT1;
  s_BTD = s_BTD + drop(seen_BTD);
  return s_BTD + drop(feed_forward(block.feed_forward, norm(s_BTD, block.norm_3_D)));
}

at::Tensor T5::encode(const ModelInput& input) const {
  at::Tensor x_BSD = drop(at::embedding(embedding_VD_, input.source_ids_BS));
  at::Tensor mask = relative_bias(encoder_bias_RH_, x_BSD.size(1), encoder_buckets());
  if (input.source_segments_BS.defined()) {
    const at::Tensor& segments_BS = input.source_segments_BS;
    mask = mask + additive(segments_BS.unsqueeze(2) == segments_BS.unsqueeze(1), x_BSD).unsqueeze(1);
  }
  for (const auto& block : encoder_) {
    // The mask carries the relative biases, which are trained, so it is an input as well.
    const auto forward = [this, &block](const std::vector<at::Tensor>& inputs) { return run(block, inputs[0], inputs[1]); };
    x_BSD = checkpointing_ ? recomputed({x_BSD, mask}, weights_of(block), forward) : forward({x_BSD, mask});
  }
  return drop(norm(x_BSD, encoder_norm_D_));
}

at::Tensor T5::hidden(const ModelInput& input) {
  check(input);
  const at::Tensor source_BSD = encode(input);
  at::Tensor x_BTD = drop(at::embedding(embedding_VD_, input.ids_BT));
  const at::Tensor mask = relative_bias(decoder_bias_RH_, x_BTD.size(1), decoder_buckets()) + causal_mask(input, x_BTD);
  const CrossMask cross = cross_mask(input, x_BTD);
  for (const auto& block : decoder_) {
    const auto forward = [this, &block, cross](const std::vector<at::Tensor>& inputs) {
      return run(block, inputs[0], inputs[1], inputs[2], cross);
    };
    const std::vector<at::Tensor> inputs{x_BTD, source_BSD, mask};
    x_BTD = checkpointing_ ? recomputed(inputs, weights_of(block), forward) : forward(inputs);
  }
  return finish(norm(x_BTD, decoder_norm_D_));
}

std::vector<T5::Named> T5::named() const {
  std::vector<Named> all = {{"shared.weight", embedding_VD_}};
  const auto add_attention = [&](const std::string& prefix, const Attention& weights) {
    all.push_back({prefix + "q.weight", weights.q_ID});
    all.push_back({prefix + "k.weight", weights.k_ID});
    all.push_back({prefix + "v.weight", weights.v_ID});
    all.push_back({prefix + "o.weight", weights.o_DI});
  };
  const auto add_feed_forward = [&](const std::string& prefix, const FeedForward& weights) {
    all.push_back({prefix + (gated() ? "wi_0.weight" : "wi.weight"), weights.in_FD});
    if (gated()) all.push_back({prefix + "wi_1.weight", weights.gated_FD});
    all.push_back({prefix + "wo.weight", weights.out_DF});
  };
  const std::string bias = "relative_attention_bias.weight";
  for (std::size_t layer = 0; layer < encoder_.size(); ++layer) {
    const std::string prefix = "encoder.block." + std::to_string(layer) + ".layer.";
    add_attention(prefix + "0.SelfAttention.", encoder_[layer].self);
    if (layer == 0) all.push_back({prefix + "0.SelfAttention." + bias, encoder_bias_RH_});
    all.push_back({prefix + "0.layer_norm.weight", encoder_[layer].norm_1_D});
    add_feed_forward(prefix + "1.DenseReluDense.", encoder_[layer].feed_forward);
    all.push_back({prefix + "1.layer_norm.weight", encoder_[layer].norm_2_D});
  }
  all.push_back({"encoder.final_layer_norm.weight", encoder_norm_D_});
  for (std::size_t layer = 0; layer < decoder_.size(); ++layer) {
    const std::string prefix = "decoder.block." + std::to_string(layer) + ".layer.";
    add_attention(prefix + "0.SelfAttention.", decoder_[layer].self);
    if (layer == 0) all.push_back({prefix + "0.SelfAttention." + bias, decoder_bias_RH_});
    all.push_back({prefix + "0.layer_norm.weight", decoder_[layer].norm_1_D});
    add_attention(prefix + "1.EncDecAttention.", decoder_[layer].cross);
    all.push_back({prefix + "1.layer_norm.weight", decoder_[layer].norm_2_D});
    add_feed_forward(prefix + "2.DenseReluDense.", decoder_[layer].feed_forward);
    all.push_back({prefix + "2.layer_norm.weight", decoder_[layer].norm_3_D});
  }
  all.push_back({"decoder.final_layer_norm.weight", decoder_norm_D_});
  if (!params_.tied_head) all.push_back({"lm_head.weight", head_VD_});
  return all;
}

std::vector<NamedParameter> T5::parameters() {
  std::vector<NamedParameter> parameters;
  for (auto& entry : named()) parameters.push_back({entry.name, entry.tensor, entry.tensor.dim() == 2});
  return parameters;
}

std::vector<WeightName> T5::weight_names() const {
  std::vector<WeightName> names;
  for (const auto& entry : named()) names.push_back({entry.name, entry.name});
  return names;
}

double T5::train_flops_per_token(std::int64_t context) const { return train_flops(1, 0, context); }

double T5::train_flops(std::int64_t tokens, std::int64_t source_tokens, std::int64_t context) const {
  const auto d = static_cast<double>(params_.d_model), i = static_cast<double>(params_.num_heads * params_.d_kv);
  const double feed_forward = (gated() ? 3 : 2) * d * static_cast<double>(params_.d_ff);
  const auto encoder_layers = static_cast<double>(params_.num_layers);
  const auto decoder_layers = static_cast<double>(params_.num_decoder_layers);
  // A source position also gives every decoder layer its keys and values; a decoder position looks at both sides.
  const Work source{encoder_layers * (4 * d * i + feed_forward) + decoder_layers * 2 * d * i, encoder_layers * 2 * i};
  const Work target{decoder_layers * (6 * d * i + feed_forward) + static_cast<double>(vocab_size_) * d,
                    decoder_layers * 4 * i};
  return static_cast<double>(tokens) * target.flops(context) + static_cast<double>(source_tokens) * source.flops(context);
}

std::vector<std::pair<std::string, std::string>> T5::tiny_preset() const {
  return {{"d_model", "32"}, {"d_kv", "8"},       {"num_heads", "4"},
          {"d_ff", "64"},    {"num_layers", "2"}, {"max_positions", "64"}};
}

}  // namespace temper::t5
