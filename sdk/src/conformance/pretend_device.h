// A second device on a machine that has none: LibTorch's device type "hpu", whose memory is main memory and whose kernels
// are the CPU's. An operator that is given tensors of both devices is refused, as a GPU refuses it, so what is not moved to
// a device is found without a GPU.
#pragma once

#include <c10/core/Device.h>

namespace temper::conformance {

/// Makes the device known to LibTorch the first time, which has to be before anything asks for an accelerator.
c10::Device pretend_device();

}  // namespace temper::conformance
