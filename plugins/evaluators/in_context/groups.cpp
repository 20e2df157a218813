// Micro and macro means (see groups.h).
#include "groups.h"

#include <algorithm>
#include <cmath>

namespace temper::in_context {
namespace {

constexpr double kZ95 = 1.959963984540054;

template <class Weight>
MetricValue weighted(MetricSpec spec, const std::vector<Part>& parts, const Weight& weight) {
  MetricValue metric;
  metric.spec = std::move(spec);
  double variance = 0;
  for (const auto& part : parts) {
    metric.value += weight(part) * part.mean;
    variance += std::pow(weight(part) * part.std_error, 2);
    metric.n += part.n;
  }
  metric.std_error = std::sqrt(variance);
  metric.ci_low = std::max(0.0, metric.value - kZ95 * metric.std_error);
  metric.ci_high = std::min(1.0, metric.value + kZ95 * metric.std_error);
  return metric;
}

}  // namespace

MetricValue micro_mean(MetricSpec spec, const std::vector<Part>& parts) {
  double all = 0;
  for (const auto& part : parts) all += static_cast<double>(part.n);
  return weighted(std::move(spec), parts, [&](const Part& part) { return static_cast<double>(part.n) / all; });
}

MetricValue macro_mean(MetricSpec spec, const std::vector<Part>& parts) {
  return weighted(std::move(spec), parts, [&](const Part&) { return 1 / static_cast<double>(parts.size()); });
}

}  // namespace temper::in_context
