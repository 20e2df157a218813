// Learning-rate schedules (see schedule.h).
#include "host/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace temper {

double learning_rate_at(const TrainParams& params, std::int64_t step, std::int64_t total_steps) {
  const double peak = params.learning_rate, low = peak * params.min_learning_rate_ratio;
  if (step < params.warmup_steps) return peak * static_cast<double>(step + 1) / static_cast<double>(params.warmup_steps);
  if (params.schedule == "constant") return peak;
  const std::int64_t decay_steps = total_steps - params.warmup_steps;
  const double progress =
      decay_steps <= 0 ? 1.0
                       : std::min(1.0, static_cast<double>(step - params.warmup_steps) / static_cast<double>(decay_steps));
  if (params.schedule == "linear") return peak + (low - peak) * progress;
  return low + 0.5 * (peak - low) * (1 + std::cos(std::numbers::pi * progress));
}

}  // namespace temper
