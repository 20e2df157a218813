// Buckets and biases (see relative_bias.h).
// Shapes: H heads, R buckets, N differences, T positions.
#include "relative_bias.h"

#include <ATen/ATen.h>

#include <cmath>

namespace temper::t5 {

at::Tensor bucket_of(const at::Tensor& difference, const Buckets& buckets) {
  std::int64_t count = buckets.count;
  at::Tensor first = at::zeros_like(difference), distance = (-difference).clamp_min(0);
  if (buckets.both_ways) {
    count /= 2;
    first = (difference > 0).to(at::kLong) * count;
    distance = difference.abs();
  }
  const std::int64_t exact = count / 2;
  // float32 step by step: the borders between buckets are those of the published models, rounding included.
  const double octaves = std::log(static_cast<double>(buckets.max_distance) / static_cast<double>(exact));
  const at::Tensor steps =
      (distance.to(at::kFloat) / static_cast<double>(exact)).log() / octaves * static_cast<double>(count - exact);
  const at::Tensor far = exact + steps.clamp_min(0).to(at::kLong);
  return first + at::where(distance < exact, distance, far.clamp_max(count - 1));
}

at::Tensor relative_bias(const at::Tensor& table_RH, std::int64_t length, const Buckets& buckets) {
  const auto options = table_RH.options().dtype(at::kLong).requires_grad(false);
  const at::Tensor bucket_N = bucket_of(at::arange(1 - length, length, options), buckets);
  // Row i of the bias is the window of the values by difference that begins at 1 - T + (T - 1 - i): windows in reverse.
  const at::Tensor value_HN = at::embedding(table_RH, bucket_N).t();
  return value_HN.unfold(1, length, 1).flip(1).unsqueeze(0);
}

}  // namespace temper::t5
