// Fast arithmetic for decoding: few rows at a time, no gradients, on a CPU bound by memory bandwidth. Every function falls
// back to LibTorch's operators where its own kernel does not apply (another device, another type, many rows), with equal
// results to rounding. Optional for an architecture: at::linear and at::scaled_dot_product_attention are right as well.
// Shapes: N rows, I inputs, O outputs, D width, H query heads, G key heads (H a multiple of G), K head width, P places,
// M positions a place has room for.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "temper/error.h"

namespace temper {

/// How weights are held while decoding. kInt8: every row in groups of 64 inputs, each with its own float32 scale;
/// activations stay float32.
enum class WeightFormat { kFloat32, kInt8 };

/// y_NO = x_NI w_OI^T + b_O for weights that do not change while it lives. float32 refers to the weight's own memory,
/// int8 is a copy.
class TEMPER_API InferenceLinear {
 public:
  InferenceLinear() = default;
  /// `bias_O` may be undefined.
  InferenceLinear(const at::Tensor& weight_OI, const at::Tensor& bias_O, WeightFormat format);
  /// Any number of leading dimensions before I.
  at::Tensor operator()(const at::Tensor& x) const;
  bool defined() const { return weight_OI_.defined(); }
  /// The weights in float32, as the products see them.
  at::Tensor weight() const;

 private:
  at::Tensor weight_OI_, bias_O_;  // float32 or int8
  at::Tensor scale_OG_;            // of int8 only
  std::int64_t inputs_ = 0;
};

/// One layer's keys and values of all places of a DecodeState.
struct LayerCache {
  at::Tensor keys_PGMK, values_PGMK;
};

/// Attention of the newest position of each row: q_BHK over the first lengths[b] keys of places[b]. `bias_BHM`, if defined,
/// is added to the scaled scores (its M is the longest length at least). Returns y_BHK.
TEMPER_API at::Tensor attend_cached(const at::Tensor& q_BHK, const LayerCache& cache, std::span<const std::int64_t> places,
                                    std::span<const std::int64_t> lengths, double scale, const at::Tensor& bias_BHM = {});

/// x / sqrt(mean(x^2) + epsilon) * weight over the last dimension; the square is taken in float32 (P-MODEL-06).
TEMPER_API at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight_D, double epsilon);
/// Rotary position embedding, half-split as Hugging Face has it (P-MODEL-01): with R = K / 2,
/// y[r] = x[r] cos[r] - x[r + R] sin[r] and y[r + R] = x[r + R] cos[r] + x[r] sin[r]. Differentiable. Su et al. (2021).
TEMPER_API at::Tensor rotary(const at::Tensor& x_NHK, const at::Tensor& cos_NR, const at::Tensor& sin_NR);
/// silu(gate) * up. Differentiable.
TEMPER_API at::Tensor silu_times(const at::Tensor& gate, const at::Tensor& up);

}  // namespace temper
