// T5 one token at a time: the decoder's own keys and values grow, those of the source are made once.
// Shapes: B rows, T decoder positions, S encoder positions, D d_model, H heads, K head width, N distances, M keys.
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <limits>

#include "t5.h"
#include "temper/cache.h"

namespace temper::t5 {
namespace {

struct T5State final : DecodeState {
  T5State(KeyValueCache own_cache, KeyValueCache source_cache)
      : own(std::move(own_cache)), source(std::move(source_cache)) {}
  void copy_place(std::int64_t from, std::int64_t to) override {
    own.copy_place(from, to);
    source.copy_place(from, to);
  }
  KeyValueCache own, source;
  at::Tensor bias_HN;  ///< by distance, the farthest first: a query at position p uses the last p + 1
};

/// Columns of the real positions first, in order: keys of a source may be padded on any side.
at::Tensor real_first(const at::Tensor& segments_BS) {
  return (segments_BS == kPaddingSegment).to(at::kLong).argsort(/*stable=*/true, /*dim=*/1, /*descending=*/false);
}

/// Bias [B, H, M] of queries at these positions; M reaches to the farthest of them.
at::Tensor bias_at(const at::Tensor& bias_HN, const std::vector<std::int64_t>& positions) {
  const std::int64_t rows = static_cast<std::int64_t>(positions.size()), most = bias_HN.size(1);
  const std::int64_t keys = *std::max_element(positions.begin(), positions.end()) + 1;
  const auto options = bias_HN.options().dtype(at::kLong);
  const at::Tensor first_B1 = (most - 1 - at::tensor(positions, at::kLong)).to(options).unsqueeze(1);
  // Beyond a row's newest key any value does: nothing looks there.
  const at::Tensor index_BM = (first_B1 + at::arange(keys, options)).clamp_max(most - 1);
  return bias_HN.index_select(1, index_BM.flatten()).view({-1, rows, keys}).transpose(0, 1).contiguous();
}

}  // namespace

void T5::prepare_decoding(WeightFormat format) {
  decode_blocks_.clear();
  const auto made = [&](const at::Tensor& weight) {
    return weight.defined() ? InferenceLinear(weight, {}, format) : InferenceLinear();
  };
  for (const auto& block : decoder_) {
    decode_blocks_.push_back({made(block.self.q_ID), made(block.self.k_ID), made(block.self.v_ID), made(block.self.o_DI),
                              made(block.cross.q_ID), made(block.cross.k_ID), made(block.cross.v_ID), made(block.cross.o_DI),
                              made(block.feed_forward.in_FD), made(block.feed_forward.gated_FD),
                              made(block.feed_forward.out_DF)});
  }
}

std::unique_ptr<DecodeState> T5::make_state(std::int64_t places, std::int64_t room, std::int64_t source_room) {
  const at::NoGradGuard guard;
  const auto cache = [&](std::int64_t positions) {
    return KeyValueCache(params_.num_decoder_layers, places, params_.num_heads, positions, params_.d_kv, embedding_VD_);
  };
  auto state = std::make_unique<T5State>(cache(room), cache(source_room));
  const auto options = decoder_bias_RH_.options().dtype(at::kLong).requires_grad(false);
  const at::Tensor bucket_N = bucket_of(at::arange(1 - room, 1, options), decoder_buckets());
  state->bias_HN = at::embedding(decoder_bias_RH_, bucket_N).t().contiguous();
  return state;
}

at::Tensor T5::prefill(DecodeState& state, std::span<const std::int64_t> places, const ModelInput& prompts) {
  const at::NoGradGuard guard;
  check(prompts);
  auto& caches = dynamic_cast<T5State&>(state);
  at::Tensor source_BSD = encode(prompts);
  ModelInput source;  // its real positions, moved to the front
  source.ids_BT = prompts.source_ids_BS;
  const at::Tensor& segments_BS = prompts.source_segments_BS;
  at::Tensor mask_B11S;
  if (segments_BS.defined() && (segments_BS == kPaddingSegment).any().item<bool>()) {
    const at::Tensor order_BS = real_first(segments_BS);
    source_BSD = source_BSD.gather(1, order_BS.unsqueeze(2).expand_as(source_BSD));
    source.segments_BT = segments_BS.gather(1, order_BS);
    const at::Tensor padding_BS = source.segments_BT == kPaddingSegment;
    if (padding_BS.all(1).any().item<bool>()) throw PluginError("a prompt for architecture t5 has no source positions");
    mask_B11S = at::zeros(padding_BS.sizes(), source_BSD.options())
                    .masked_fill_(padding_BS, -std::numeric_limits<double>::infinity())
                    .view({-1, 1, 1, padding_BS.size(1)});
  }
  const std::int64_t length = prompts.ids_BT.size(1);
  at::Tensor x_BTD = at::embedding(embedding_VD_, prompts.ids_BT);
  // Right padding needs no mask of its own: causal attention never looks there.
  const at::Tensor causal_TT =
      at::full({length, length}, -std::numeric_limits<double>::infinity(), x_BTD.options()).triu_(1);
  const at::Tensor mask_1HTT = relative_bias(decoder_bias_RH_, length, decoder_buckets()) + causal_TT;
  const auto attended = [&](const at::Tensor& q_BTI, const at::Tensor& k_BHMK, const at::Tensor& v_BHMK,
                            const at::Tensor& mask) {
    const auto optional_mask = mask.defined() ? std::optional<at::Tensor>(mask) : std::nullopt;
    return at::scaled_dot_product_attention(split_heads(q_BTI), k_BHMK, v_BHMK, optional_mask, 0.0, false, 1.0)
        .transpose(1, 2)
        .flatten(2);
  };
  for (std::size_t layer = 0; layer < decoder_.size(); ++layer) {
    const auto& block = decoder_[layer];
    const auto& weights = decode_blocks_[layer];
    at::Tensor h_BTD = norm(x_BTD, block.norm_1_D);
    const at::Tensor k_BHTK = split_heads(weights.k(h_BTD)), v_BHTK = split_heads(weights.v(h_BTD));
    caches.own.write_prompts(layer, places, k_BHTK, v_BHTK);
    x_BTD = x_BTD + weights.o(attended(weights.q(h_BTD), k_BHTK, v_BHTK, mask_1HTT));
    const at::Tensor k_BHSK = split_heads(weights.cross_k(source_BSD)), v_BHSK = split_heads(weights.cross_v(source_BSD));
    caches.source.write_prompts(layer, places, k_BHSK, v_BHSK);
    h_BTD = norm(x_BTD, block.norm_2_D);
    x_BTD = x_BTD + weights.cross_o(attended(weights.cross_q(h_BTD), k_BHSK, v_BHSK, mask_B11S));
    h_BTD = norm(x_BTD, block.norm_3_D);
    at::Tensor in_BTF = activate(weights.in(h_BTD));
    if (weights.gated.defined()) in_BTF = in_BTF * weights.gated(h_BTD);
    x_BTD = x_BTD + weights.out(in_BTF);
  }
  caches.source.set_lengths(places, source);
  return finish(norm(last_positions(x_BTD, caches.own.set_lengths(places, prompts)), decoder_norm_D_));
}

at::Tensor T5::step(DecodeState& state, std::span<const std::int64_t> places, const at::Tensor& ids_B) {
  const at::NoGradGuard guard;
  auto& caches = dynamic_cast<T5State&>(state);
  const auto positions = caches.own.advance(places);
  const at::Tensor bias_BHM = bias_at(caches.bias_HN, positions);
  const auto heads = [&](const at::Tensor& x_BI) { return x_BI.unflatten(1, {params_.num_heads, params_.d_kv}); };
  at::Tensor x_BD = at::embedding(embedding_VD_, ids_B);
  for (std::size_t layer = 0; layer < decoder_.size(); ++layer) {
    const auto& block = decoder_[layer];
    const auto& weights = decode_blocks_[layer];
    at::Tensor h_BD = norm(x_BD, block.norm_1_D);
    const auto qkv = InferenceLinear::of_one_input(h_BD, {&weights.q, &weights.k, &weights.v});
    caches.own.write_step(layer, places, heads(qkv[1]), heads(qkv[2]));
    x_BD = x_BD + weights.o(caches.own.attend(layer, places, heads(qkv[0]), 1.0, bias_BHM).flatten(1));
    h_BD = norm(x_BD, block.norm_2_D);
    x_BD = x_BD + weights.cross_o(caches.source.attend(layer, places, heads(weights.cross_q(h_BD)), 1.0).flatten(1));
    h_BD = norm(x_BD, block.norm_3_D);
    at::Tensor in_BF = activate(weights.in(h_BD));
    if (weights.gated.defined()) in_BF = in_BF * weights.gated(h_BD);
    x_BD = x_BD + weights.out(in_BF);
  }
  return finish(norm(x_BD, decoder_norm_D_));
}

}  // namespace temper::t5
