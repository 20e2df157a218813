// The gpt architecture one token at a time, with a cache of keys and values.
// Shapes: B rows, T positions, D d_model, H heads, K head width.
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "gpt.h"
#include "temper/attention.h"
#include "temper/cache.h"

namespace temper::gpt {

void Gpt::prepare_decoding(WeightFormat format) {
  decode_blocks_.clear();
  const auto made = [&](const LinearWeights& w) { return InferenceLinear(w.weight_OI, w.bias_O, format); };
  for (const auto& block : blocks_) {
    decode_blocks_.push_back({made(block.qkv), made(block.attention_out), made(block.up), made(block.down)});
  }
}

std::unique_ptr<DecodeState> Gpt::make_state(std::int64_t places, std::int64_t room, std::int64_t) {
  const std::int64_t heads = params_.num_heads;
  return std::make_unique<KeyValueCache>(params_.num_layers, places, heads, room, params_.d_model / heads,
                                         token_embedding_VD_);
}

at::Tensor Gpt::prefill(DecodeState& state, std::span<const std::int64_t> places, const ModelInput& prompts) {
  const at::NoGradGuard guard;
  auto& cache = dynamic_cast<KeyValueCache&>(state);
  // Right padding needs no mask of its own: causal attention never looks there.
  ModelInput input = prompts;
  if (!params_.prefix_attention) input.segments_BT = at::Tensor();
  const at::Tensor mask = decoder_mask(input, params_.prefix_attention);
  const auto optional_mask = mask.defined() ? std::optional<at::Tensor>(mask) : std::nullopt;
  at::Tensor x_BTD = embed(prompts.ids_BT, positions_of(prompts));
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    const auto& block = blocks_[layer];
    const auto& weights = decode_blocks_[layer];
    const auto parts = weights.qkv(norm(x_BTD, block.norm_1, params_.norm_epsilon)).chunk(3, -1);
    const auto split = [&](const at::Tensor& part) { return part.unflatten(-1, {params_.num_heads, -1}).transpose(1, 2); };
    const at::Tensor q_BHTK = split(parts[0]), k_BHTK = split(parts[1]), v_BHTK = split(parts[2]);
    const at::Tensor y_BHTK = at::scaled_dot_product_attention(q_BHTK, k_BHTK, v_BHTK, optional_mask, 0.0, !mask.defined());
    cache.write_prompts(layer, places, k_BHTK, v_BHTK);
    x_BTD = x_BTD + weights.attention_out(y_BHTK.transpose(1, 2).flatten(2));
    x_BTD = x_BTD + weights.down(activate(weights.up(norm(x_BTD, block.norm_2, params_.norm_epsilon))));
  }
  return norm(last_positions(x_BTD, cache.set_lengths(places, prompts)), final_norm_, params_.norm_epsilon);
}

at::Tensor Gpt::step(DecodeState& state, std::span<const std::int64_t> places, const at::Tensor& ids_B) {
  const at::NoGradGuard guard;
  auto& cache = dynamic_cast<KeyValueCache&>(state);
  const auto positions = cache.advance(places);
  const auto rows = static_cast<std::int64_t>(places.size());
  const double scale = 1.0 / std::sqrt(static_cast<double>(params_.d_model / params_.num_heads));
  at::Tensor x_BD = embed(ids_B, at::tensor(positions, at::kLong).to(ids_B.device()));
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    const auto& block = blocks_[layer];
    const auto& weights = decode_blocks_[layer];
    const at::Tensor qkv_BD = weights.qkv(norm(x_BD, block.norm_1, params_.norm_epsilon));
    const auto parts = qkv_BD.view({rows, 3, params_.num_heads, -1}).unbind(1);
    cache.write_step(layer, places, parts[1], parts[2]);
    x_BD = x_BD + weights.attention_out(cache.attend(layer, places, parts[0], scale).flatten(1));
    x_BD = x_BD + weights.down(activate(weights.up(norm(x_BD, block.norm_2, params_.norm_epsilon))));
  }
  return norm(x_BD, final_norm_, params_.norm_epsilon);
}

}  // namespace temper::gpt
