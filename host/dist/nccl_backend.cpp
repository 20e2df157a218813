// The backend `nccl`: collectives between GPUs, from c10d. Built where CUDA's headers and nccl.h are; LibTorch's CUDA
// library, which has the engine inside, is open before this one is (host/device).
#include <string>

#define USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "host/dist/backend.h"

extern "C" __attribute__((visibility("default"))) void temper_make_backend(const c10::intrusive_ptr<c10d::Store>& store,
                                                                           int rank, int world_size,
                                                                           std::chrono::milliseconds timeout,
                                                                           c10::intrusive_ptr<c10d::Backend>& made) {
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  made = c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, world_size, options);
}
