// Win rates (see win_rate.h).
#include "win_rate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "temper/random.h"

namespace temper::helpfulness {
namespace {

constexpr double kRidge = 1e-3;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double sigmoid(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }

double deviation_of_lengths(const std::vector<Duel>& duels) {
  const auto n = static_cast<double>(duels.size());
  double mean = 0, squares = 0;
  for (const auto& duel : duels) mean += duel.length_difference / n;
  for (const auto& duel : duels) squares += (duel.length_difference - mean) * (duel.length_difference - mean);
  return std::sqrt(squares / n);
}

}  // namespace

MetricValue win_rate(MetricSpec spec, const std::vector<Duel>& duels) {
  std::vector<double> preferences;
  for (const auto& duel : duels) preferences.push_back(duel.preference);
  return mean_metric(std::move(spec), preferences);
}

LengthFit fit_length(const std::vector<Duel>& duels) {
  LengthFit fit;
  fit.scale = deviation_of_lengths(duels);
  std::vector<double> x;
  for (const auto& duel : duels) x.push_back(fit.scale > 0 ? std::tanh(duel.length_difference / fit.scale) : 0);
  // All won or all lost has no finite intercept; the ridge holds it where the share is 1 - 1/(2n) or so.
  const double ridge_intercept = 1e-6 * static_cast<double>(duels.size());
  for (int step = 0; step < 100; ++step) {
    double g_a = -ridge_intercept * fit.intercept, g_b = -kRidge * fit.slope;
    double h_aa = ridge_intercept, h_ab = 0, h_bb = kRidge;
    for (std::size_t i = 0; i < duels.size(); ++i) {
      const double p = sigmoid(fit.intercept + fit.slope * x[i]);
      const double weight = std::max(p * (1 - p), 1e-12);
      g_a += duels[i].preference - p;
      g_b += (duels[i].preference - p) * x[i];
      h_aa += weight;
      h_ab += weight * x[i];
      h_bb += weight * x[i] * x[i];
    }
    const double determinant = h_aa * h_bb - h_ab * h_ab;
    double step_a = (h_bb * g_a - h_ab * g_b) / determinant, step_b = (h_aa * g_b - h_ab * g_a) / determinant;
    // A full step may overshoot where the curve is flat.
    const double size = std::max(std::abs(step_a), std::abs(step_b));
    if (size > 2) {
      step_a *= 2 / size;
      step_b *= 2 / size;
    }
    fit.intercept += step_a;
    fit.slope += step_b;
    if (size < 1e-10) {
      fit.converged = true;
      break;
    }
  }
  return fit;
}

MetricValue length_controlled_win_rate(MetricSpec spec, const std::vector<Duel>& duels, std::uint64_t seed, int resamples) {
  if (duels.empty()) throw DataError("metric '" + spec.name + "' has no items to be computed from");
  MetricValue value{
      std::move(spec), sigmoid(fit_length(duels).intercept), kNan, kNan, kNan, static_cast<std::int64_t>(duels.size())};
  if (duels.size() < 2) return value;
  Rng rng(derive_seed(seed, {"bootstrap", value.spec.name}));
  std::vector<double> draws;
  std::vector<Duel> drawn(duels.size());
  for (int r = 0; r < resamples; ++r) {
    for (auto& duel : drawn) duel = duels[rng.below(duels.size())];
    draws.push_back(sigmoid(fit_length(drawn).intercept));
  }
  std::sort(draws.begin(), draws.end());
  const auto last = static_cast<double>(draws.size() - 1);
  double mean = 0, squares = 0;
  for (const double draw : draws) mean += draw / static_cast<double>(draws.size());
  for (const double draw : draws) squares += (draw - mean) * (draw - mean);
  value.std_error = std::sqrt(squares / last);
  value.ci_low = draws[static_cast<std::size_t>(std::floor(0.025 * last))];
  value.ci_high = draws[static_cast<std::size_t>(std::ceil(0.975 * last))];
  return value;
}

}  // namespace temper::helpfulness
