// The DecodeState that most decoders need: keys and values of every layer, and how many positions each place holds.
// Shapes: B rows, T positions, G key heads, H query heads, K head width, P places, M room of a place.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "temper/architecture.h"
#include "temper/inference.h"

namespace temper {

class TEMPER_API KeyValueCache : public DecodeState {
 public:
  /// Memory like that of `like` (type, device).
  KeyValueCache(std::int64_t layers, std::int64_t places, std::int64_t key_heads, std::int64_t room, std::int64_t width,
                const at::Tensor& like);
  void copy_place(std::int64_t from, std::int64_t to) override;

  std::int64_t length(std::int64_t place) const { return lengths_[static_cast<std::size_t>(place)]; }
  std::int64_t room() const { return room_; }
  /// Keys and values [B, G, T, K] of prompts padded on the right, each into its place. Throws PluginError if T exceeds the
  /// room.
  void write_prompts(std::size_t layer, std::span<const std::int64_t> places, const at::Tensor& keys_BGTK,
                     const at::Tensor& values_BGTK);
  /// How many positions the places hold from now on: the real ones of each row of `prompts`, which are returned as int64.
  at::Tensor set_lengths(std::span<const std::int64_t> places, const ModelInput& prompts);
  /// One more position for each place, as often as it stands there; returns the new ones, a row each. Throws PluginError
  /// past the room.
  std::vector<std::int64_t> advance(std::span<const std::int64_t> places);
  /// Keys and values [B, G, K] at the positions that advance() gave these places last.
  void write_step(std::size_t layer, std::span<const std::int64_t> places, const at::Tensor& keys_BGK,
                  const at::Tensor& values_BGK);
  /// attend_cached() over all positions that the places hold, of a row of the last advance() up to its own one.
  at::Tensor attend(std::size_t layer, std::span<const std::int64_t> places, const at::Tensor& q_BHK, double scale,
                    const at::Tensor& bias_BHM = {}) const;

 private:
  std::vector<LayerCache> layers_;
  std::vector<std::int64_t> lengths_;
  std::vector<std::int64_t> advanced_, newest_;  ///< the places that advance() was given last, and what it returned
  std::int64_t room_;
};

/// h_BD at the last real position of each row: what a prefill returns.
TEMPER_API at::Tensor last_positions(const at::Tensor& h_BTD, const at::Tensor& lengths_B);

}  // namespace temper
