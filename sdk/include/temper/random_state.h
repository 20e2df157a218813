// LibTorch's default random generators, which dropout draws from: the CPU's, and that of a GPU beside it. The SDK's own
// numbers (random.h) need no state; these do, so that a resumed stage drops out what it would have dropped out.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>

#include "temper/error.h"

namespace temper {

/// Bytes in main memory; `device` is undefined where the device has no generator of its own.
struct RandomState {
  at::Tensor cpu, device;
};

TEMPER_API RandomState random_state(c10::Device device);
/// A generator whose state is undefined is left as it is. [run]
TEMPER_API void set_random_state(const RandomState& state, c10::Device device);
TEMPER_API void seed_random(std::uint64_t seed, c10::Device device);

}  // namespace temper
