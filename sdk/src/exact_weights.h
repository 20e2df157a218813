// Weights that fit fewer bits than float32 has. Models come as bfloat16, float16 or quantised files; once in float32 their
// values still lie where those formats put them. Decoding is bound by memory, so reading them in the smaller form is faster
// by as much as it is smaller, with the same bits as a result. Trained weights do not fit, which their first group shows.
#pragma once

#include <ATen/core/Tensor.h>

#include "kernels.h"

namespace temper {

struct ExactWeights {
  kernels::Held held = kernels::Held::kFloat32;  ///< kFloat32 where nothing smaller holds every value
  at::Tensor weight_OI;                          ///< int8, or 16 bits a weight as int16; undefined for kFloat32
  at::Tensor scale_OJ2;                          ///< kGrid: step and base of every group of kernels::kGridGroup inputs
};

/// Of dense float32 weights on the CPU; a number of inputs that groups do not fill is never held smaller.
ExactWeights exact_weights(const at::Tensor& weight_OI);

}  // namespace temper
