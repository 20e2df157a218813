// Minimises a smooth function by L-BFGS. Private to the SDK; the text classifier is trained with it. One thread, sums in a
// fixed order: the same input gives the same bits.
// Source: Nocedal and Wright, "Numerical Optimization" (2006), algorithm 7.5; line search for the weak Wolfe conditions by
// bisection: Lewis and Overton, Mathematical Programming 141 (2013), algorithm 4.6.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace temper {

/// Value at x; fills the gradient, which has x's size.
using SmoothFunction = std::function<double(const std::vector<double>& x, std::vector<double>& gradient)>;

/// Leaves the best point in `x`. True if the gradient's largest component came down to `tolerance`.
bool minimise(const SmoothFunction& function, std::vector<double>& x, std::int64_t max_iterations, double tolerance);

}  // namespace temper
