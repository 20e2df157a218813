// AVX2 kernels (see kernels.h). Decoding reads every weight once a step, so the inner loops are shaped to keep the memory
// busy: two rows of weights stream in and are multiplied with up to four rows of activations held in registers.
// Built with OpenMP so that the threads are the ones LibTorch already has.
#include "kernels.h"

#include <immintrin.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#define TEMPER_AVX2 __attribute__((target("avx2,fma,f16c")))

namespace temper::kernels {
namespace {

/// Splits [0, count) evenly; small work stays on the calling thread.
template <class Work>
void split(std::int64_t count, std::int64_t cost, int threads, const Work& work) {
  constexpr std::int64_t kWorthAThread = 16384;
  const auto useful = std::min<std::int64_t>({threads, count, std::max<std::int64_t>(1, cost / kWorthAThread)});
  if (useful <= 1 || omp_in_parallel()) {
    work(std::int64_t{0}, count);
    return;
  }
#pragma omp parallel num_threads(static_cast <int>(useful))
  {
    const std::int64_t size = omp_get_num_threads(), rank = omp_get_thread_num();
    work(count * rank / size, count * (rank + 1) / size);
  }
}

TEMPER_AVX2 inline float sum_of(__m256 v) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  s = _mm_add_ss(s, _mm_movehdup_ps(s));
  return _mm_cvtss_f32(s);
}

/// e^x to about 2 units in the last place; Cephes' polynomial.
TEMPER_AVX2 inline __m256 exp_of(__m256 x) {
  x = _mm256_max_ps(_mm256_min_ps(x, _mm256_set1_ps(88.0f)), _mm256_set1_ps(-87.3f));
  const __m256 n =
      _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  x = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), x);
  x = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4f), x);
  __m256 p = _mm256_set1_ps(1.9875691500e-4f);
  p = _mm256_fmadd_ps(p, x, _mm256_set1_ps(1.3981999507e-3f));
  p = _mm256_fmadd_ps(p, x, _mm256_set1_ps(8.3334519073e-3f));
  p = _mm256_fmadd_ps(p, x, _mm256_set1_ps(4.1665795894e-2f));
  p = _mm256_fmadd_ps(p, x, _mm256_set1_ps(1.6666665459e-1f));
  p = _mm256_fmadd_ps(p, x, _mm256_set1_ps(5.0000001201e-1f));
  p = _mm256_fmadd_ps(p, _mm256_mul_ps(x, x), _mm256_add_ps(x, _mm256_set1_ps(1.0f)));
  const __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  return _mm256_mul_ps(p, _mm256_castsi256_ps(power));
}

/// The hardware's prefetchers lose their stride at every new row of a narrow matrix; asking for the rows that come next
/// keeps the memory busy. Past the end a prefetch is harmless.
inline void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0); }

TEMPER_AVX2 inline __m256 widen(const std::int8_t* q) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(q))));
}

/// Rows of weights by how they are held: `at` is the row whose weights begin at `first`, `begin` opens the 32 weights at i
/// and asks memory for those `next` further, `eight` gives eight of them in float32.
struct FloatRow {
  static FloatRow at(const Product& p, std::int64_t first) { return {static_cast<const float*>(p.w) + first}; }
  const float* w;
  TEMPER_AVX2 void begin(std::int64_t i, std::int64_t next) {
    prefetch(w + next + i);
    prefetch(w + next + i + 16);
  }
  TEMPER_AVX2 __m256 eight(std::int64_t i) const { return _mm256_loadu_ps(w + i); }
};
struct BFloat16Row {
  static BFloat16Row at(const Product& p, std::int64_t first) { return {static_cast<const std::uint16_t*>(p.w) + first}; }
  const std::uint16_t* w;
  TEMPER_AVX2 void begin(std::int64_t i, std::int64_t next) { prefetch(w + next + i); }
  TEMPER_AVX2 __m256 eight(std::int64_t i) const {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(w + i));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
};
struct HalfRow {
  static HalfRow at(const Product& p, std::int64_t first) { return {static_cast<const std::uint16_t*>(p.w) + first}; }
  const std::uint16_t* w;
  TEMPER_AVX2 void begin(std::int64_t i, std::int64_t next) { prefetch(w + next + i); }
  TEMPER_AVX2 __m256 eight(std::int64_t i) const {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w + i)));
  }
};
struct GridRow {
  TEMPER_AVX2 static GridRow at(const Product& p, std::int64_t first) {
    return {static_cast<const std::int8_t*>(p.w) + first, p.scale + first / kGridGroup * 2, _mm256_setzero_ps(),
            _mm256_setzero_ps()};
  }
  const std::int8_t* q;
  const float* scale;
  __m256 step, base;
  TEMPER_AVX2 void begin(std::int64_t i, std::int64_t next) {
    prefetch(q + next + i);
    step = _mm256_broadcast_ss(scale + i / kGridGroup * 2);
    base = _mm256_broadcast_ss(scale + i / kGridGroup * 2 + 1);
  }
  TEMPER_AVX2 __m256 eight(std::int64_t i) const { return _mm256_fmadd_ps(widen(q + i), step, base); }
};

/// X rows of activations against W rows of weights, each pair one sum in steps of eight, so that a row's result is the
/// same bits however many rows there are and however the weights are held. `next` is how far behind w the rows lie that
/// will be wanted next.
template <int X, int W, class Row>
TEMPER_AVX2 void dot(const float* x, std::int64_t inputs, Row* w, float* const* y, std::int64_t stride, std::int64_t next) {
  __m256 sums[X][W];
  for (int r = 0; r < X; ++r) {
    for (int c = 0; c < W; ++c) sums[r][c] = _mm256_setzero_ps();
  }
  const auto eight = [&](std::int64_t i) __attribute__((target("avx2,fma,f16c"), always_inline)) {
    __m256 u[W];
    for (int c = 0; c < W; ++c) u[c] = w[c].eight(i);
    for (int r = 0; r < X; ++r) {
      const __m256 t = _mm256_loadu_ps(x + r * inputs + i);
      for (int c = 0; c < W; ++c) sums[r][c] = _mm256_fmadd_ps(t, u[c], sums[r][c]);
    }
  };
  std::int64_t i = 0;
  for (; i + 32 <= inputs; i += 32) {
    for (int c = 0; c < W; ++c) w[c].begin(i, next);
    for (std::int64_t k = i; k < i + 32; k += 8) eight(k);
  }
  // Only float32 has rows that end between two groups.
  if constexpr (std::is_same_v<Row, FloatRow>) {
    for (; i + 8 <= inputs; i += 8) eight(i);
  }
  for (int r = 0; r < X; ++r) {
    for (int c = 0; c < W; ++c) {
      float sum = sum_of(sums[r][c]);
      if constexpr (std::is_same_v<Row, FloatRow>) {
        for (std::int64_t j = i; j < inputs; ++j) sum += x[r * inputs + j] * w[c].w[j];
      }
      y[c][r * stride] = sum;
    }
  }
}

/// All rows of activations against W rows of weights.
template <int W, class Row>
TEMPER_AVX2 void dot_all(const float* x, std::int64_t rows, std::int64_t inputs, Row* w, float* const* y,
                         std::int64_t stride) {
  constexpr int kMost = W == 4 ? 2 : 4;  // sums held in registers at once
  float* out[W];
  std::copy(y, y + W, out);
  std::int64_t next = W * inputs;
  for (std::int64_t n = 0; n < rows;) {
    const std::int64_t take = std::min<std::int64_t>(rows - n, kMost);
    const float* in = x + n * inputs;
    if (take == 1) dot<1, W>(in, inputs, w, out, stride, next);
    if (take == 2) dot<2, W>(in, inputs, w, out, stride, next);
    if constexpr (kMost == 4) {
      if (take == 3) dot<3, W>(in, inputs, w, out, stride, next);
      if (take == 4) dot<4, W>(in, inputs, w, out, stride, next);
    }
    for (int c = 0; c < W; ++c) out[c] += take * stride;
    n += take;
    next = 0;
  }
}

template <class Row>
TEMPER_AVX2 void linear_range(const float* x, std::int64_t rows, std::int64_t inputs, const Product& p, std::int64_t begin,
                              std::int64_t end) {
  std::int64_t o = begin;
  const auto row = [&](std::int64_t output) __attribute__((target("avx2,fma,f16c"))) { return Row::at(p, output * inputs); };
  if (rows <= 2) {
    for (; o + 4 <= end; o += 4) {
      Row weights[4] = {row(o), row(o + 1), row(o + 2), row(o + 3)};
      float* const out[4] = {p.y + o, p.y + o + 1, p.y + o + 2, p.y + o + 3};
      dot_all<4>(x, rows, inputs, weights, out, p.outputs);
    }
  }
  for (; o < end; o += 2) {
    // The last row of an odd range is computed twice, into the same place.
    const std::int64_t second = std::min(o + 1, end - 1);
    Row weights[2] = {row(o), row(second)};
    float* const out[2] = {p.y + o, p.y + second};
    dot_all<2>(x, rows, inputs, weights, out, p.outputs);
  }
  if (p.bias == nullptr) return;
  for (std::int64_t n = 0; n < rows; ++n) {
    for (o = begin; o < end; ++o) p.y[n * p.outputs + o] += p.bias[o];
  }
}

/// Bytes between what is multiplied and what is asked of memory: rows follow one another without gaps.
constexpr std::int64_t kInt8Ahead = 1024;

/// X rows of activations against one row of int8 weights. Each group's sum is scaled as a vector, so one horizontal sum
/// at the end is enough.
template <int X>
TEMPER_AVX2 void dot_int8(const float* x, std::int64_t inputs, const std::int8_t* q, const float* scale, float* y,
                          std::int64_t stride) {
  __m256 total[X];
  for (int r = 0; r < X; ++r) total[r] = _mm256_setzero_ps();
  for (std::int64_t g = 0; g < inputs; g += kInt8Group) {
    __m256 part[X], other[X];
    for (int r = 0; r < X; ++r) part[r] = other[r] = _mm256_setzero_ps();
    _mm_prefetch(reinterpret_cast<const char*>(q + g + kInt8Ahead), _MM_HINT_T0);
    for (std::int64_t i = g; i < g + kInt8Group; i += 16) {
      const __m256 u = widen(q + i), v = widen(q + i + 8);
      for (int r = 0; r < X; ++r) {
        part[r] = _mm256_fmadd_ps(_mm256_loadu_ps(x + r * inputs + i), u, part[r]);
        other[r] = _mm256_fmadd_ps(_mm256_loadu_ps(x + r * inputs + i + 8), v, other[r]);
      }
    }
    const __m256 s = _mm256_set1_ps(scale[g / kInt8Group]);
    for (int r = 0; r < X; ++r) total[r] = _mm256_fmadd_ps(_mm256_add_ps(part[r], other[r]), s, total[r]);
  }
  for (int r = 0; r < X; ++r) y[r * stride] = sum_of(total[r]);
}

TEMPER_AVX2 void linear_int8_range(const float* x, std::int64_t rows, std::int64_t inputs, const Product& p,
                                   std::int64_t begin, std::int64_t end) {
  const std::int64_t groups = inputs / kInt8Group;
  for (std::int64_t o = begin; o < end; ++o) {
    const std::int8_t* weights = static_cast<const std::int8_t*>(p.w) + o * inputs;
    const float* scales = p.scale + o * groups;
    std::int64_t n = 0;
    for (; n + 4 <= rows; n += 4) dot_int8<4>(x + n * inputs, inputs, weights, scales, p.y + n * p.outputs + o, p.outputs);
    float* out = p.y + n * p.outputs + o;
    const float* rest = x + n * inputs;
    if (rows - n == 1) dot_int8<1>(rest, inputs, weights, scales, out, p.outputs);
    if (rows - n == 2) dot_int8<2>(rest, inputs, weights, scales, out, p.outputs);
    if (rows - n == 3) dot_int8<3>(rest, inputs, weights, scales, out, p.outputs);
    if (p.bias == nullptr) continue;
    for (n = 0; n < rows; ++n) p.y[n * p.outputs + o] += p.bias[o];
  }
}

void product_range(const float* x, std::int64_t rows, std::int64_t inputs, const Product& p, std::int64_t begin,
                   std::int64_t end) {
  switch (p.held) {
    case Held::kFloat32:
      return linear_range<FloatRow>(x, rows, inputs, p, begin, end);
    case Held::kBFloat16:
      return linear_range<BFloat16Row>(x, rows, inputs, p, begin, end);
    case Held::kHalf:
      return linear_range<HalfRow>(x, rows, inputs, p, begin, end);
    case Held::kGrid:
      return linear_range<GridRow>(x, rows, inputs, p, begin, end);
    case Held::kInt8:
      return linear_int8_range(x, rows, inputs, p, begin, end);
  }
}

/// Softmax of scores in place; returns nothing but the normalised weights.
TEMPER_AVX2 void softmax(float* scores, std::int64_t count) {
  float top = -std::numeric_limits<float>::infinity();
  for (std::int64_t m = 0; m < count; ++m) top = std::max(top, scores[m]);
  const __m256 shift = _mm256_set1_ps(top);
  __m256 sums = _mm256_setzero_ps();
  std::int64_t m = 0;
  for (; m + 8 <= count; m += 8) {
    const __m256 e = exp_of(_mm256_sub_ps(_mm256_loadu_ps(scores + m), shift));
    _mm256_storeu_ps(scores + m, e);
    sums = _mm256_add_ps(sums, e);
  }
  float sum = sum_of(sums);
  for (; m < count; ++m) sum += scores[m] = std::exp(scores[m] - top);
  const float inverse = 1.0f / sum;
  for (m = 0; m < count; ++m) scores[m] *= inverse;
}

/// sum_of() of each of four, in the same order and so with the same bits.
TEMPER_AVX2 inline __m128 sums_of(const __m256* v) {
  __m128 a[4];
  for (int i = 0; i < 4; ++i) a[i] = _mm_add_ps(_mm256_castps256_ps128(v[i]), _mm256_extractf128_ps(v[i], 1));
  _MM_TRANSPOSE4_PS(a[0], a[1], a[2], a[3]);
  return _mm_add_ps(_mm_add_ps(a[0], a[2]), _mm_add_ps(a[1], a[3]));
}

/// Scores of one query: four keys at a time, so that their chains of sums run side by side.
TEMPER_AVX2 void score_keys(const float* q, const float* keys, std::int64_t length, std::int64_t width, float scale,
                            float* scores) {
  std::int64_t m = 0;
  for (; m + 4 <= length; m += 4) {
    const float* k = keys + m * width;
    __m256 sums[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    for (std::int64_t i = 0; i < width; i += 8) {
      const __m256 some = _mm256_loadu_ps(q + i);
      for (std::int64_t j = 0; j < 4; ++j) sums[j] = _mm256_fmadd_ps(some, _mm256_loadu_ps(k + j * width + i), sums[j]);
    }
    _mm_storeu_ps(scores + m, _mm_mul_ps(sums_of(sums), _mm_set1_ps(scale)));
  }
  for (; m < length; ++m) {
    __m256 sum = _mm256_setzero_ps();
    for (std::int64_t i = 0; i < width; i += 8) {
      sum = _mm256_fmadd_ps(_mm256_loadu_ps(q + i), _mm256_loadu_ps(keys + m * width + i), sum);
    }
    scores[m] = sum_of(sum) * scale;
  }
}

/// 8 * kVectors columns of the values' sum, kept in registers.
template <int kVectors>
TEMPER_AVX2 inline void weigh_values(const float* scores, const float* values, std::int64_t length, std::int64_t width,
                                     float* out) {
  __m256 sums[kVectors];
  for (int n = 0; n < kVectors; ++n) sums[n] = _mm256_setzero_ps();
  for (std::int64_t m = 0; m < length; ++m) {
    const __m256 score = _mm256_set1_ps(scores[m]);
    for (int n = 0; n < kVectors; ++n) {
      sums[n] = _mm256_fmadd_ps(score, _mm256_loadu_ps(values + m * width + 8 * n), sums[n]);
    }
  }
  for (int n = 0; n < kVectors; ++n) _mm256_storeu_ps(out + 8 * n, sums[n]);
}

TEMPER_AVX2 void attend_one(const Attention& a, std::int64_t row, std::int64_t head, float* scores) {
  const std::int64_t width = a.width, length = a.lengths[row];
  const std::int64_t key_head = head / (a.heads / a.key_heads);
  const std::int64_t base = (a.places[row] * a.key_heads + key_head) * a.room * width;
  const float* q = a.queries + (row * a.heads + head) * width;
  const float *k = a.keys + base, *v = a.values + base;
  score_keys(q, k, length, width, a.scale, scores);
  if (a.bias != nullptr) {
    const float* bias = a.bias + (row * a.heads + head) * a.bias_room;
    for (std::int64_t m = 0; m < length; ++m) scores[m] += bias[m];
  }
  softmax(scores, length);
  float* out = a.output + (row * a.heads + head) * width;
  std::int64_t i = 0;
  for (; i + 64 <= width; i += 64) weigh_values<8>(scores, v + i, length, width, out + i);
  for (; i + 32 <= width; i += 32) weigh_values<4>(scores, v + i, length, width, out + i);
  for (; i < width; i += 8) weigh_values<1>(scores, v + i, length, width, out + i);
}

TEMPER_AVX2 void rms_norm_row(const float* x, const float* weight, float epsilon, float* y, std::int64_t width) {
  __m256 squares = _mm256_setzero_ps();
  std::int64_t i = 0;
  for (; i + 8 <= width; i += 8) {
    const __m256 v = _mm256_loadu_ps(x + i);
    squares = _mm256_fmadd_ps(v, v, squares);
  }
  float sum = sum_of(squares);
  for (std::int64_t j = i; j < width; ++j) sum += x[j] * x[j];
  const float factor = 1.0f / std::sqrt(sum / static_cast<float>(width) + epsilon);
  const __m256 f = _mm256_set1_ps(factor);
  for (std::int64_t j = 0; j < i; j += 8) {
    _mm256_storeu_ps(y + j, _mm256_mul_ps(_mm256_mul_ps(_mm256_loadu_ps(x + j), f), _mm256_loadu_ps(weight + j)));
  }
  for (; i < width; ++i) y[i] = x[i] * factor * weight[i];
}

TEMPER_AVX2 void rotary_row(const float* x, const float* cos, const float* sin, float* y, std::int64_t heads,
                            std::int64_t width) {
  const std::int64_t half = width / 2;
  for (std::int64_t h = 0; h < heads; ++h) {
    const float* in = x + h * width;
    float* out = y + h * width;
    for (std::int64_t i = 0; i < half; i += 8) {
      const __m256 a = _mm256_loadu_ps(in + i), b = _mm256_loadu_ps(in + half + i);
      const __m256 c = _mm256_loadu_ps(cos + i), s = _mm256_loadu_ps(sin + i);
      _mm256_storeu_ps(out + i, _mm256_fmsub_ps(a, c, _mm256_mul_ps(b, s)));
      _mm256_storeu_ps(out + half + i, _mm256_fmadd_ps(b, c, _mm256_mul_ps(a, s)));
    }
  }
}

TEMPER_AVX2 void silu_range(const float* gate, const float* up, float* y, std::int64_t begin, std::int64_t end) {
  const __m256 one = _mm256_set1_ps(1.0f);
  std::int64_t i = begin;
  for (; i + 8 <= end; i += 8) {
    const __m256 g = _mm256_loadu_ps(gate + i);
    const __m256 below = _mm256_add_ps(one, exp_of(_mm256_sub_ps(_mm256_setzero_ps(), g)));
    _mm256_storeu_ps(y + i, _mm256_mul_ps(_mm256_div_ps(g, below), _mm256_loadu_ps(up + i)));
  }
  for (; i < end; ++i) y[i] = gate[i] / (1.0f + std::exp(-gate[i])) * up[i];
}

}  // namespace

bool available() {
  static const bool yes = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  return yes;
}

void multiply(const float* x, std::int64_t rows, std::int64_t inputs, std::span<const Product> products, int threads) {
  std::int64_t outputs = 0;
  for (const Product& product : products) outputs += product.outputs;
  split(outputs, rows * inputs * outputs, threads, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t before = 0;
    for (const Product& p : products) {
      const std::int64_t first = std::max(begin - before, std::int64_t{0}), last = std::min(end - before, p.outputs);
      before += p.outputs;
      if (first < last) product_range(x, rows, inputs, p, first, last);
    }
  });
}

void attend(const Attention& a, int threads) {
  std::int64_t longest = 0, keys = 0;
  for (std::int64_t row = 0; row < a.rows; ++row) {
    longest = std::max(longest, a.lengths[row]);
    keys += a.lengths[row];
  }
  split(a.rows * a.heads, keys * a.heads * a.width, threads, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scores(static_cast<std::size_t>(longest));
    for (std::int64_t task = begin; task < end; ++task) attend_one(a, task / a.heads, task % a.heads, scores.data());
  });
}

void rms_norm(const float* x, const float* weight, float epsilon, float* y, std::int64_t rows, std::int64_t width,
              int threads) {
  split(rows, rows * width, threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) rms_norm_row(x + n * width, weight, epsilon, y + n * width, width);
  });
}

void rotary(const float* x, const float* cos, const float* sin, float* y, std::int64_t rows, std::int64_t heads,
            std::int64_t width, int threads) {
  split(rows, rows * heads * width, threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const std::int64_t start = n * heads * width, angle = n * width / 2;
      rotary_row(x + start, cos + angle, sin + angle, y + start, heads, width);
    }
  });
}

void silu_times(const float* gate, const float* up, float* y, std::int64_t count, int threads) {
  split(count, 4 * count, threads, [&](std::int64_t begin, std::int64_t end) { silu_range(gate, up, y, begin, end); });
}

}  // namespace temper::kernels
