// Learning rate by optimiser step: linear warm-up whose first step is already above zero, then cosine, linear or constant,
// clamped at its end so that it never rises again.
#pragma once

#include <cstdint>

#include "temper/context.h"

namespace temper {

/// `step` counts from 0. Source of the cosine form: Loshchilov and Hutter, "SGDR" (2017), without restarts.
double learning_rate_at(const TrainParams& params, std::int64_t step, std::int64_t total_steps);

}  // namespace temper
