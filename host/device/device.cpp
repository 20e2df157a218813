// Opening devices (see device.h).
#include "host/device/device.h"

#include <ATen/Context.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <dlfcn.h>

#include <cstdlib>

#include "host/util/split.h"
#include "temper/error.h"

namespace temper {
namespace {

/// Its static objects tell LibTorch about CUDA. Never closed.
void load_cuda() {
  // Read by cuBLAS when it is first used: the workspace with which products repeat to the bit.
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr) return;
  throw ConfigError(std::string("device = cuda: LibTorch's CUDA library does not load here (") + dlerror() +
                    "); run scripts/setup.sh --cuda, which fetches what it links to, or set device: cpu");
}

/// Throws if there is no GPU, or its driver is missing or too old.
void start_cuda() {
  try {
    at::globalContext().lazyInitDevice(c10::DeviceType::CUDA);
  } catch (const std::exception& error) {
    throw ConfigError("device = cuda: no GPU can be used here (" + first_line(error.what()) +
                      "); check `nvidia-smi`, or set device: cpu");
  }
}

void make_repeatable() {
  at::Context& context = at::globalContext();
  // Where CUDA has no repeatable kernel it warns and goes on.
  context.setDeterministicAlgorithms(true, /*warn_only=*/true);
  context.setDeterministicCuDNN(true);
  context.setBenchmarkCuDNN(false);
  context.setAllowTF32CuBLAS(false);
  context.setAllowTF32CuDNN(false);
}

c10::Device parse(const std::string& name) {
  try {
    return c10::Device(name);
  } catch (const std::exception&) {
    throw ConfigError("device = " + name + " is no device; use cpu, cuda or cuda:N");
  }
}

}  // namespace

c10::Device open_device(const std::string& name, int local_rank) {
  const c10::Device device = parse(name);
  if (device.is_cpu()) return c10::kCPU;
  if (device.is_cuda()) {
    load_cuda();
    start_cuda();
  }
  if (!c10::impl::hasDeviceGuardImpl(device.type())) {
    throw ConfigError("device = " + name + ": this LibTorch has no library for it; use cpu or cuda");
  }
  const auto* guard = c10::impl::getDeviceGuardImpl(device.type());
  const int visible = guard->deviceCount(), index = device.has_index() ? device.index() : local_rank;
  if (index >= visible) {
    throw ConfigError("device = " + name + ": GPU number " + std::to_string(index) + " is wanted, but " +
                      std::to_string(visible) + " can be seen here (numbers begin at 0)" +
                      (local_rank > 0 ? "; start no more processes on a machine than it has GPUs" : ""));
  }
  if (device.is_cuda()) make_repeatable();
  const c10::Device chosen(device.type(), static_cast<c10::DeviceIndex>(index));
  guard->setDevice(chosen);
  return chosen;
}

}  // namespace temper
