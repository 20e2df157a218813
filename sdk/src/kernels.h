// Raw CPU kernels behind inference.h: pointers in, pointers out, no tensors. They need AVX2 and FMA, which is asked for at
// run time; without them inference.cpp uses LibTorch's operators. All arrays are dense and row-major.
#pragma once

#include <cstdint>
#include <span>

namespace temper::kernels {

/// How a product's weights are held. All but kInt8 stand for exactly the float32 values that they were made from.
enum class Held : std::uint8_t {
  kFloat32,
  kBFloat16,
  kHalf,
  kGrid,  ///< int8 q in groups of kGridGroup: w = q step + base, rounded once
  kInt8,  ///< int8 q in groups of kInt8Group: w = q scale
};
inline constexpr std::int64_t kGridGroup = 32, kInt8Group = 64;

bool available();

/// One product of a layer's input x[rows, inputs]: y[n][o] = bias[o] + sum_i x[n][i] w[o][i]. Apart from kFloat32 `inputs`
/// is a multiple of 32, with kInt8 of 64.
struct Product {
  Held held = Held::kFloat32;
  const void* w = nullptr;       // [outputs, inputs]
  const float* scale = nullptr;  // kGrid: step and base [outputs, inputs / 32, 2]; kInt8: [outputs, inputs / 64]
  const float* bias = nullptr;   // [outputs] or null
  float* y = nullptr;            // [rows, outputs]
  std::int64_t outputs = 0;
};
/// All products of one input. The threads are woken once and share out the outputs of all; each output is the same bits as
/// alone.
void multiply(const float* x, std::int64_t rows, std::int64_t inputs, std::span<const Product> products, int threads);

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
