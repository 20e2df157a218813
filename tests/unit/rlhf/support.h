// What the tests of the preference and policy gradient mathematics share: short tensors in float64, closeness with a message
// that shows both sides, and finite differences.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <functional>
#include <initializer_list>
#include <limits>
#include <sstream>
#include <vector>

#include "catch.h"

namespace temper::test {

inline const double kNan = std::numeric_limits<double>::quiet_NaN();
inline const double kInfinity = std::numeric_limits<double>::infinity();

inline at::Tensor vec(const std::vector<double>& values, at::ScalarType type = at::kDouble) {
  return at::tensor(values, at::TensorOptions().dtype(at::kDouble)).to(type);
}

inline at::Tensor ids(const std::vector<std::int64_t>& values) {
  return at::tensor(values, at::TensorOptions().dtype(at::kLong));
}

/// One row: [1, R].
inline at::Tensor row(const std::vector<double>& values, at::ScalarType type = at::kDouble) {
  return vec(values, type).unsqueeze(0);
}

inline at::Tensor rows(const std::vector<std::vector<double>>& values) {
  std::vector<at::Tensor> each;
  for (const auto& one : values) each.push_back(vec(one));
  return at::stack(each);
}

inline double largest_error(const at::Tensor& actual, const at::Tensor& expected) {
  INFO("got\n" << actual << "\nexpected\n" << expected);
  REQUIRE(actual.sizes() == expected.sizes());
  if (actual.numel() == 0) return 0;
  const at::Tensor error = (actual.to(at::kDouble) - expected.to(at::kDouble)).abs();
  // A NaN on either side must fail, and it compares as not below any bound.
  return error.max().item<double>();
}

inline void check_close(const at::Tensor& actual, const at::Tensor& expected, double tolerance = 1e-6) {
  const double error = largest_error(actual, expected);
  INFO("got\n" << actual << "\nexpected\n" << expected);
  CHECK(error <= tolerance);
}

/// Derivatives of the scalar `function` at `point` (float64) by central differences.
inline at::Tensor finite_differences(const std::function<at::Tensor(const at::Tensor&)>& function, const at::Tensor& point) {
  constexpr double kStep = 1e-6;
  at::Tensor moved = point.detach().clone().contiguous();
  at::Tensor slopes = at::zeros_like(moved);
  double* value = moved.data_ptr<double>();
  double* slope = slopes.data_ptr<double>();
  for (std::int64_t i = 0; i < moved.numel(); ++i) {
    const double before = value[i];
    value[i] = before + kStep;
    const double up = function(moved).item<double>();
    value[i] = before - kStep;
    const double down = function(moved).item<double>();
    value[i] = before;
    slope[i] = (up - down) / (2 * kStep);
  }
  return slopes;
}

inline at::Tensor gradient(const std::function<at::Tensor(const at::Tensor&)>& function, const at::Tensor& point) {
  at::Tensor leaf = point.detach().clone().requires_grad_();
  function(leaf).backward();
  return leaf.grad();
}

}  // namespace temper::test
