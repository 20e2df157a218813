// Where tensors live: the CPU, or a GPU by LibTorch's CUDA library, which is opened only when it is asked for, so that one
// program serves machines with and without GPUs.
#pragma once

#include <c10/core/Device.h>

#include <string>

namespace temper {

/// The device "cpu", "cuda" (the GPU of number `local_rank` of those that are visible) or "cuda:N", ready for use, its
/// arithmetic set to repeat to the bit as far as CUDA can and to keep float32 whole (no TF32). Any other name that this
/// LibTorch has a library for is taken as it is. Throws ConfigError that says what is missing. [run]
c10::Device open_device(const std::string& name, int local_rank = 0);

}  // namespace temper
