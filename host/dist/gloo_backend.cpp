// The backend `gloo`: collectives over TCP for tensors in main memory, from c10d. GLOO_SOCKET_IFNAME chooses the network
// interface, as for every user of c10d; else the host's name decides, and the loopback is the last resort.
#include <cstdlib>
#include <string>

#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include "host/dist/backend.h"

extern "C" __attribute__((visibility("default"))) void temper_make_backend(const c10::intrusive_ptr<c10d::Store>& store,
                                                                           int rank, int world_size,
                                                                           std::chrono::milliseconds timeout,
                                                                           c10::intrusive_ptr<c10d::Backend>& made) {
  auto options = c10d::ProcessGroupGloo::Options::create(timeout);
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  const bool named = interface != nullptr && *interface != '\0';
  options->devices.push_back(named ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
                                   : c10d::ProcessGroupGloo::createDefaultDevice());
  made = c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, world_size, options);
}
