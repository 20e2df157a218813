// The llama architecture one token at a time, with a cache of rotated keys and values.
// Shapes: B rows, T positions, N = B T rows of activations, D d_model, H heads, G key heads, K head width.
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "llama.h"
#include "temper/attention.h"
#include "temper/cache.h"

namespace temper::llama {

void Llama::prepare_decoding(WeightFormat format) {
  decode_blocks_.clear();
  const auto made = [&](const LinearWeights& w) { return InferenceLinear(w.weight_OI, w.bias_O, format); };
  for (const auto& block : blocks_) {
    decode_blocks_.push_back(
        {made(block.q), made(block.k), made(block.v), made(block.out), made(block.gate), made(block.up), made(block.down)});
  }
}

std::unique_ptr<DecodeState> Llama::make_state(std::int64_t places, std::int64_t room, std::int64_t) {
  return std::make_unique<KeyValueCache>(params_.num_layers, places, params_.num_kv_heads, room, params_.head_width,
                                         token_embedding_VD_);
}

at::Tensor Llama::prefill(DecodeState& state, std::span<const std::int64_t> places, const ModelInput& prompts) {
  const at::NoGradGuard guard;
  auto& cache = dynamic_cast<KeyValueCache&>(state);
  const std::int64_t rows = prompts.ids_BT.size(0), length = prompts.ids_BT.size(1), width = params_.head_width;
  // Right padding needs no mask of its own: causal attention never looks there.
  ModelInput input = prompts;
  if (!params_.prefix_attention) input.segments_BT = at::Tensor();
  const at::Tensor mask = decoder_mask(input, params_.prefix_attention);
  const auto optional_mask = mask.defined() ? std::optional<at::Tensor>(mask) : std::nullopt;
  const auto [cos_NR, sin_NR] = angles(positions_of(prompts));
  const at::Tensor lengths_B = cache.set_lengths(places, prompts);
  at::Tensor x_BTD = embedded(prompts.ids_BT);
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    const Block& block = blocks_[layer];
    const DecodeBlock& weights = decode_blocks_[layer];
    const at::Tensor n_BTD = norm(x_BTD, block.norm_1_D);
    const auto heads = [&](const at::Tensor& x) { return x.view({rows * length, -1, width}); };
    const auto by_head = [&](const at::Tensor& x_NHK) { return x_NHK.view({rows, length, -1, width}).transpose(1, 2); };
    const at::Tensor q_BHTK = by_head(rotary(heads(weights.q(n_BTD)), cos_NR, sin_NR));
    const at::Tensor k_BGTK = by_head(rotary(heads(weights.k(n_BTD)), cos_NR, sin_NR));
    const at::Tensor v_BGTK = by_head(heads(weights.v(n_BTD)));
    cache.write_prompts(layer, places, k_BGTK, v_BGTK);
    const at::Tensor y_BHTK = at::scaled_dot_product_attention(q_BHTK, k_BGTK, v_BGTK, optional_mask, 0.0, !mask.defined(),
                                                               std::nullopt, params_.num_kv_heads != params_.num_heads);
    // What the last layer makes of earlier positions is never read.
    const bool last = layer + 1 == blocks_.size();
    const at::Tensor y_BTD = y_BHTK.transpose(1, 2).flatten(2);
    at::Tensor r_BTD = weights.out(last ? last_positions(y_BTD, lengths_B) : y_BTD);
    x_BTD = (last ? last_positions(x_BTD, lengths_B) : x_BTD) + r_BTD;
    const at::Tensor m_BTD = norm(x_BTD, block.norm_2_D);
    x_BTD.add_(weights.down(gated(weights.gate(m_BTD), weights.up(m_BTD))));
  }
  return norm(x_BTD, final_norm_D_);
}

at::Tensor Llama::step(DecodeState& state, std::span<const std::int64_t> places, const at::Tensor& ids_B) {
  const at::NoGradGuard guard;
  auto& cache = dynamic_cast<KeyValueCache&>(state);
  const auto rows = static_cast<std::int64_t>(places.size());
  const double scale = 1.0 / std::sqrt(static_cast<double>(params_.head_width));
  const auto positions = cache.advance(places);
  const auto [cos_BR, sin_BR] = angles(at::tensor(positions, at::kLong).to(ids_B.device()));
  at::Tensor x_BD = embedded(ids_B);
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    const Block& block = blocks_[layer];
    const DecodeBlock& weights = decode_blocks_[layer];
    const at::Tensor n_BD = norm(x_BD, block.norm_1_D);
    const auto heads = [&](const at::Tensor& x) { return x.view({rows, -1, params_.head_width}); };
    const auto qkv = InferenceLinear::of_one_input(n_BD, {&weights.q, &weights.k, &weights.v});
    const at::Tensor q_BHK = rotary(heads(qkv[0]), cos_BR, sin_BR);
    cache.write_step(layer, places, rotary(heads(qkv[1]), cos_BR, sin_BR), heads(qkv[2]));
    x_BD.add_(weights.out(cache.attend(layer, places, q_BHK, scale).flatten(1)));
    const at::Tensor m_BD = norm(x_BD, block.norm_2_D);
    const auto gate_up = InferenceLinear::of_one_input(m_BD, {&weights.gate, &weights.up});
    x_BD.add_(weights.down(gated(gate_up[0], gate_up[1])));
  }
  return norm(x_BD, final_norm_D_);
}

}  // namespace temper::llama
