// The backend `gloo`: collectives over TCP for tensors in main memory, from c10d. It uses the network by which the store is
// reached, so ranks of several machines meet where MASTER_ADDR is, whatever a machine's own name stands for there.
// GLOO_SOCKET_IFNAME chooses another network interface, as for every user of c10d.
#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>

#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "host/dist/backend.h"

namespace {

/// This machine's address on the way to `host`, as a number; "" if there is no way. Nothing is sent.
std::string address_towards(const std::string& host, std::uint16_t port) {
  addrinfo hints{}, *all = nullptr;
  hints.ai_socktype = SOCK_DGRAM;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &all) != 0) return "";
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(all, freeaddrinfo);
  std::string found;
  for (const addrinfo* one = all; one != nullptr && found.empty(); one = one->ai_next) {
    const int probe = socket(one->ai_family, SOCK_DGRAM, 0);
    if (probe < 0) continue;
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    char text[NI_MAXHOST] = "";
    const bool known =
        connect(probe, one->ai_addr, one->ai_addrlen) == 0 &&
        getsockname(probe, reinterpret_cast<sockaddr*>(&own), &size) == 0 &&
        getnameinfo(reinterpret_cast<sockaddr*>(&own), size, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0;
    if (known) found = text;
    close(probe);
  }
  return found;
}

std::shared_ptr<gloo::transport::Device> device_for(const c10::intrusive_ptr<c10d::Store>& store) {
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  if (interface != nullptr && *interface != '\0') return c10d::ProcessGroupGloo::createDeviceForInterface(interface);
  c10d::Store* inner = store.get();
  if (auto* prefixed = dynamic_cast<c10d::PrefixStore*>(inner)) inner = prefixed->getUnderlyingNonPrefixStore().get();
  std::string address;
  if (const auto* tcp = dynamic_cast<c10d::TCPStore*>(inner)) address = address_towards(tcp->getHost(), tcp->getPort());
  return address.empty() ? c10d::ProcessGroupGloo::createDefaultDevice()
                         : c10d::ProcessGroupGloo::createDeviceForHostname(address);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void temper_make_backend(const c10::intrusive_ptr<c10d::Store>& store,
                                                                           int rank, int world_size,
                                                                           std::chrono::milliseconds timeout,
                                                                           c10::intrusive_ptr<c10d::Backend>& made) {
  auto options = c10d::ProcessGroupGloo::Options::create(timeout);
  options->devices.push_back(device_for(store));
  made = c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, world_size, options);
}
