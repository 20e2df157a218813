// Raw CPU kernels behind inference.h: pointers in, pointers out, no tensors. They need AVX2 and FMA, which is asked for at
// run time; without them inference.cpp uses LibTorch's operators. All arrays are dense and row-major.
#pragma once

#include <cstdint>

namespace temper::kernels {

/// Inputs of one int8 scale.
inline constexpr std::int64_t kGroup = 64;

bool available();

/// y[n][o] = bias[o] + sum_i x[n][i] w[o][i]; `bias` may be null.
void linear_float(const float* x, std::int64_t rows, std::int64_t inputs, const float* w, const float* bias, float* y,
                  std::int64_t outputs, int threads);
/// The same with w[o][i] = q[o][i] scale[o][i / kGroup]. `inputs` is a multiple of kGroup.
void linear_int8(const float* x, std::int64_t rows, std::int64_t inputs, const std::int8_t* q, const float* scale,
                 const float* bias, float* y, std::int64_t outputs, int threads);

/// One query a row and head over the cached keys of its place.
struct Attention {
  const float* queries;                  // [rows, heads, width]
  const float *keys, *values;            // [places, key_heads, room, width]
  const float* bias = nullptr;           // [rows, heads, bias_room]
  const std::int64_t *places, *lengths;  // [rows]
  float* output;                         // [rows, heads, width]
  std::int64_t rows, heads, key_heads, width, room, bias_room = 0;
  float scale;
};
/// `width` is a multiple of 8.
void attend(const Attention& a, int threads);

void rms_norm(const float* x, const float* weight, float epsilon, float* y, std::int64_t rows, std::int64_t width,
              int threads);
/// x: [rows, heads, width]; cos, sin: [rows, width / 2]. `width` is a multiple of 16.
void rotary(const float* x, const float* cos, const float* sin, float* y, std::int64_t rows, std::int64_t heads,
            std::int64_t width, int threads);
/// y = silu(gate) * up
void silu_times(const float* gate, const float* up, float* y, std::int64_t count, int threads);

}  // namespace temper::kernels
