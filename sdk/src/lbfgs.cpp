// See lbfgs.h.
#include "lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>

namespace temper {
namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void add_scaled(Vector& a, double factor, const Vector& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += factor * b[i];
}

double largest(const Vector& a) {
  double value = 0;
  for (const double x : a) value = std::max(value, std::fabs(x));
  return value;
}

/// What one step told about the curvature.
struct Pair {
  Vector step, change;
  double product = 0;
};

/// The two-loop recursion: minus the inverse Hessian's estimate times the gradient.
Vector direction(const std::deque<Pair>& pairs, const Vector& gradient) {
  Vector result = gradient;
  Vector alphas(pairs.size());
  for (std::size_t i = pairs.size(); i-- > 0;) {
    alphas[i] = dot(pairs[i].step, result) / pairs[i].product;
    add_scaled(result, -alphas[i], pairs[i].change);
  }
  const double scale = pairs.empty() ? 1 / std::max(1e-12, std::sqrt(dot(gradient, gradient)))
                                     : pairs.back().product / dot(pairs.back().change, pairs.back().change);
  for (double& x : result) x *= scale;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    add_scaled(result, alphas[i] - dot(pairs[i].change, result) / pairs[i].product, pairs[i].step);
  }
  for (double& x : result) x = -x;
  return result;
}

struct Point {
  Vector x, gradient;
  double value = 0;
};

/// A point along the direction with enough decrease and a flatter slope, or no such point (false) once rounding wins.
bool line_search(const SmoothFunction& function, const Point& from, const Vector& along, Point& to) {
  constexpr double kDecrease = 1e-4, kCurvature = 0.9;
  constexpr int kTries = 50;
  const double slope = dot(from.gradient, along);
  if (!(slope < 0)) return false;
  double low = 0, high = std::numeric_limits<double>::infinity(), length = 1;
  for (int i = 0; i < kTries; ++i) {
    to.x = from.x;
    add_scaled(to.x, length, along);
    to.value = function(to.x, to.gradient);
    if (!(to.value <= from.value + kDecrease * length * slope)) {
      high = length;
    } else if (dot(to.gradient, along) < kCurvature * slope) {
      low = length;
    } else {
      return true;
    }
    length = std::isinf(high) ? 2 * low : (low + high) / 2;
  }
  return false;
}

}  // namespace

bool minimise(const SmoothFunction& function, std::vector<double>& x, std::int64_t max_iterations, double tolerance) {
  constexpr std::size_t kMemory = 10;
  Point at{x, Vector(x.size()), 0}, next{x, Vector(x.size()), 0};
  at.value = function(at.x, at.gradient);
  std::deque<Pair> pairs;
  bool done = largest(at.gradient) <= tolerance;
  for (std::int64_t i = 0; i < max_iterations && !done; ++i) {
    if (!line_search(function, at, direction(pairs, at.gradient), next)) break;
    Pair pair{next.x, next.gradient, 0};
    add_scaled(pair.step, -1, at.x);
    add_scaled(pair.change, -1, at.gradient);
    pair.product = dot(pair.step, pair.change);
    if (pair.product > 0) pairs.push_back(std::move(pair));
    if (pairs.size() > kMemory) pairs.pop_front();
    std::swap(at, next);
    done = largest(at.gradient) <= tolerance;
  }
  x = std::move(at.x);
  return done;
}

}  // namespace temper
