// Finding the smaller form (see exact_weights.h). Grids are those of ggml's Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0: blocks of 32
// weights q * step (+ minimum), where step is a float16 and the widest weight has the largest q.
// Shapes: O outputs, I inputs, J groups of a row.
#include "exact_weights.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <optional>

namespace temper {
namespace {

using kernels::Held;

constexpr std::int64_t kBlock = kernels::kGridGroup;

/// A way to lay a grid: the widest weight is `top` steps from the base, which is the smallest weight or zero.
struct Lay {
  int top;
  bool from_smallest;
};
constexpr Lay kLays[] = {{15, true}, {127, false}, {8, false}, {31, true}, {16, false}};

/// Whether all weights of a group are exactly q * step + base. The product is exact (11 and 8 bits), so that there is one
/// rounding, as in the kernel.
bool fits(const float* w, const Lay& lay, std::int8_t* q, float* step_base) {
  const auto [low, high] = std::minmax_element(w, w + kBlock);
  const float base = lay.from_smallest ? *low : 0.0F;
  const float width = lay.from_smallest ? *high - *low : std::max(std::abs(*low), std::abs(*high));
  const float step = static_cast<float>(c10::Half(width / static_cast<float>(lay.top)));
  // Also of NaN and of what float16 cannot hold.
  if (!std::isfinite(step) || !std::isfinite(base)) return false;
  for (std::int64_t i = 0; i < kBlock; ++i) {
    const float steps = step > 0 ? std::nearbyint((w[i] - base) / step) : 0.0F;
    if (!(std::abs(steps) <= 127) || !(steps * step + base == w[i])) return false;
    q[i] = static_cast<std::int8_t>(steps);
  }
  step_base[0] = step;
  step_base[1] = base;
  return true;
}

/// `fill(begin, end)` of ranges of `count`, on all threads, until one returns false.
template <class Fill>
bool all_of_ranges(std::int64_t count, std::int64_t grain, const Fill& fill) {
  std::atomic<bool> good = true;
  at::parallel_for(0, count, grain, [&](std::int64_t begin, std::int64_t end) {
    if (good && !fill(begin, end)) good = false;
  });
  return good;
}

bool fill_grid(const float* w, std::int64_t groups, std::int8_t* q, float* scale) {
  return all_of_ranges(groups, 1024, [&](std::int64_t begin, std::int64_t end) {
    Lay lay = kLays[0];
    for (std::int64_t j = begin; j < end; ++j) {
      const auto tried = [&](const Lay& one) { return fits(w + j * kBlock, lay = one, q + j * kBlock, scale + j * 2); };
      if (!tried(lay) && !std::any_of(std::begin(kLays), std::end(kLays), tried)) return false;
    }
    return true;
  });
}

template <class Small>
bool fill_small(const float* w, std::int64_t count, std::int16_t* out) {
  return all_of_ranges(count, 32768, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Small small(w[i]);
      if (!(static_cast<float>(small) == w[i])) return false;
      std::memcpy(out + i, &small.x, sizeof small.x);
    }
    return true;
  });
}

// What has been trained fits nowhere, which a look at one group shows before anything is allocated.

std::optional<ExactWeights> grid_form(const at::Tensor& weight_OI) {
  const auto* w = weight_OI.const_data_ptr<float>();
  std::int8_t q[kBlock];
  float step_base[2];
  if (!fill_grid(w, 1, q, step_base)) return std::nullopt;
  const at::Tensor q_OI = at::empty(weight_OI.sizes(), at::kChar);
  const at::Tensor scale_OJ2 = at::empty({weight_OI.size(0), weight_OI.size(1) / kBlock, 2}, at::kFloat);
  auto* all = q_OI.mutable_data_ptr<std::int8_t>();
  if (!fill_grid(w, weight_OI.numel() / kBlock, all, scale_OJ2.mutable_data_ptr<float>())) return std::nullopt;
  return ExactWeights{Held::kGrid, q_OI, scale_OJ2};
}

template <class Small>
std::optional<ExactWeights> small_form(const at::Tensor& weight_OI, Held held) {
  const auto* w = weight_OI.const_data_ptr<float>();
  std::int16_t bits[kBlock];
  if (!fill_small<Small>(w, kBlock, bits)) return std::nullopt;
  const at::Tensor small_OI = at::empty(weight_OI.sizes(), at::kShort);
  if (!fill_small<Small>(w, weight_OI.numel(), small_OI.mutable_data_ptr<std::int16_t>())) return std::nullopt;
  return ExactWeights{held, small_OI, {}};
}

}  // namespace

ExactWeights exact_weights(const at::Tensor& weight_OI) {
  if (weight_OI.numel() == 0 || weight_OI.size(1) % kBlock != 0) return {};
  if (auto grid = grid_form(weight_OI)) return *grid;
  if (auto bfloat16 = small_form<c10::BFloat16>(weight_OI, Held::kBFloat16)) return *bfloat16;
  if (auto half = small_form<c10::Half>(weight_OI, Held::kHalf)) return *half;
  return {};
}

}  // namespace temper
