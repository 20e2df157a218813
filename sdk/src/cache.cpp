// Keys and values by place (see cache.h).
// Shapes: B rows, T positions, G key heads, K head width, P places, M room.
#include "temper/cache.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

namespace temper {
namespace {

[[noreturn]] void too_long(std::int64_t wanted, std::int64_t room) {
  throw PluginError("decoding needs " + std::to_string(wanted) +
                    " positions in a place, but make_state was asked for room for " + std::to_string(room));
}

/// [B, G, K] into position `positions[b]` of places [P, G, M, K].
void scatter(const at::Tensor& cache_PGMK, std::span<const std::int64_t> places, std::span<const std::int64_t> positions,
             const at::Tensor& new_BGK) {
  const std::int64_t heads = cache_PGMK.size(1), room = cache_PGMK.size(2), width = cache_PGMK.size(3);
  if (!new_BGK.device().is_cpu() || new_BGK.scalar_type() != cache_PGMK.scalar_type()) {
    for (std::size_t b = 0; b < places.size(); ++b) {
      cache_PGMK.select(0, places[b]).select(1, positions[b]).copy_(new_BGK.select(0, static_cast<std::int64_t>(b)));
    }
    return;
  }
  // Plain copies: an operator call for every row and layer would cost more than the attention itself.
  const at::Tensor dense = new_BGK.contiguous();
  const auto bytes = static_cast<std::size_t>(width) * dense.element_size();
  const auto* from = static_cast<const char*>(dense.const_data_ptr());
  auto* to = static_cast<char*>(cache_PGMK.mutable_data_ptr());
  for (std::size_t b = 0; b < places.size(); ++b) {
    for (std::int64_t g = 0; g < heads; ++g) {
      const auto row = static_cast<std::size_t>((places[b] * heads + g) * room + positions[b]);
      std::memcpy(to + row * bytes, from, bytes);
      from += bytes;
    }
  }
}

}  // namespace

KeyValueCache::KeyValueCache(std::int64_t layers, std::int64_t places, std::int64_t key_heads, std::int64_t room,
                             std::int64_t width, const at::Tensor& like)
    : lengths_(static_cast<std::size_t>(places), 0), room_(room) {
  const auto options = like.options().requires_grad(false);
  // Zeros: the weight 0 of what attention masks must not meet a NaN left in memory.
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    layers_.push_back(
        {at::zeros({places, key_heads, room, width}, options), at::zeros({places, key_heads, room, width}, options)});
  }
}

void KeyValueCache::copy_place(std::int64_t from, std::int64_t to) {
  const std::int64_t held = length(from);
  for (auto& layer : layers_) {
    for (auto* cache_PGMK : {&layer.keys_PGMK, &layer.values_PGMK}) {
      cache_PGMK->select(0, to).narrow(1, 0, held).copy_(cache_PGMK->select(0, from).narrow(1, 0, held));
    }
  }
  lengths_[static_cast<std::size_t>(to)] = held;
}

void KeyValueCache::write_prompts(std::size_t layer, std::span<const std::int64_t> places, const at::Tensor& keys_BGTK,
                                  const at::Tensor& values_BGTK) {
  const std::int64_t length = keys_BGTK.size(2);
  if (length > room_) too_long(length, room_);
  for (std::size_t b = 0; b < places.size(); ++b) {
    const auto row = static_cast<std::int64_t>(b);
    layers_[layer].keys_PGMK.select(0, places[b]).narrow(1, 0, length).copy_(keys_BGTK.select(0, row));
    layers_[layer].values_PGMK.select(0, places[b]).narrow(1, 0, length).copy_(values_BGTK.select(0, row));
  }
}

at::Tensor KeyValueCache::set_lengths(std::span<const std::int64_t> places, const ModelInput& prompts) {
  const std::int64_t rows = prompts.ids_BT.size(0), length = prompts.ids_BT.size(1);
  const at::Tensor lengths_B = prompts.segments_BT.defined() ? (prompts.segments_BT != kPaddingSegment).sum(1)
                                                             : at::full({rows}, length, prompts.ids_BT.options());
  advanced_.clear();
  newest_.clear();
  const at::Tensor host_B = lengths_B.to(at::kCPU);
  for (std::size_t b = 0; b < places.size(); ++b) {
    lengths_[static_cast<std::size_t>(places[b])] = host_B.const_data_ptr<std::int64_t>()[b];
  }
  return lengths_B;
}

std::vector<std::int64_t> KeyValueCache::advance(std::span<const std::int64_t> places) {
  newest_.clear();
  advanced_.assign(places.begin(), places.end());
  for (const auto place : places) {
    auto& held = lengths_[static_cast<std::size_t>(place)];
    if (held >= room_) too_long(held + 1, room_);
    newest_.push_back(held++);
  }
  return newest_;
}

void KeyValueCache::write_step(std::size_t layer, std::span<const std::int64_t> places, const at::Tensor& keys_BGK,
                               const at::Tensor& values_BGK) {
  if (!std::ranges::equal(places, advanced_)) {
    throw PluginError("write_step() is called with " + std::to_string(places.size()) +
                      " places that are not those of the last advance(); call advance() with the same places first");
  }
  scatter(layers_[layer].keys_PGMK, places, newest_, keys_BGK);
  scatter(layers_[layer].values_PGMK, places, newest_, values_BGK);
}

at::Tensor KeyValueCache::attend(std::size_t layer, std::span<const std::int64_t> places, const at::Tensor& q_BHK,
                                 double scale, const at::Tensor& bias_BHM) const {
  const bool newest = std::ranges::equal(places, advanced_);
  std::vector<std::int64_t> lengths;
  for (std::size_t b = 0; b < places.size(); ++b) lengths.push_back(newest ? newest_[b] + 1 : length(places[b]));
  return attend_cached(q_BHK, layers_[layer], places, lengths, scale, bias_BHM);
}

at::Tensor last_positions(const at::Tensor& h_BTD, const at::Tensor& lengths_B) {
  const at::Tensor index_B1D = (lengths_B - 1).view({-1, 1, 1}).expand({h_BTD.size(0), 1, h_BTD.size(2)});
  return h_BTD.gather(1, index_B1D).squeeze(1);
}

}  // namespace temper
