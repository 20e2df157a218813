// Fast arithmetic for decoding: few rows at a time, no gradients, on a CPU bound by memory bandwidth. Every function falls
// back to LibTorch's operators where its own kernel does not apply (another device, another type, many rows), with equal
// results to rounding. Optional for an architecture: at::linear and at::scaled_dot_product_attention are right as well.
// Shapes: N rows, I inputs, O outputs, D width, H query heads, G key heads (H a multiple of G), K head width, P places,
// M positions a place has room for.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "temper/error.h"

namespace temper {
namespace kernels {
enum class Held : std::uint8_t;
}

/// How weights are held while decoding. kFloat32: as they are; where all of a layer's weights are float32 values that a
/// bfloat16, float16 or block-quantised file gave, in those fewer bits, which read faster and mean the same numbers. kInt8:
/// every row in groups of 64 inputs, each with its own float32 scale. Activations are float32 in both.
enum class WeightFormat { kFloat32, kInt8 };

/// y_NO = x_NI w_OI^T + b_O for weights that do not change while it lives. float32 refers to the weight's own memory;
/// int8, and float32 that fits fewer bits, are copies. How float32 is held changes no bit of a result.
class TEMPER_API InferenceLinear {
 public:
  InferenceLinear() = default;
  /// `bias_O` may be undefined.
  InferenceLinear(const at::Tensor& weight_OI, const at::Tensor& bias_O, WeightFormat format);
  /// Any number of leading dimensions before I.
  at::Tensor operator()(const at::Tensor& x) const;
  /// Several layers of one input, in order. The same bits as one after the other, but the threads are woken once for all,
  /// which decoding a single row feels.
  static std::vector<at::Tensor> of_one_input(const at::Tensor& x, std::initializer_list<const InferenceLinear*> layers);
  bool defined() const { return weight_OI_.defined() || small_OI_.defined(); }
  /// Whether its copy takes fewer bits than float32.
  bool is_smaller() const { return small_OI_.defined(); }
  /// The weights in float32, as the products see them.
  at::Tensor weight() const;

 private:
  bool has_kernel_for(const at::Tensor& x) const;

  at::Tensor weight_OI_, bias_O_;  // undefined with kInt8; maybe undefined
  at::Tensor small_OI_, scale_;    // copies in fewer bits, with scales where the form has some
  std::int64_t inputs_ = 0;
  kernels::Held held_{};
};

/// One layer's keys and values of all places of a DecodeState.
struct LayerCache {
  at::Tensor keys_PGMK, values_PGMK;
};

/// Attention of each row: q_BHK over the first lengths[b] keys of places[b], which may repeat. `bias_BHM`, if defined,
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
