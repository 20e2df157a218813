// Default generators (see random_state.h).
#include "temper/random_state.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>

#include <mutex>

namespace temper {
namespace {

at::Generator cpu_generator() { return at::detail::getDefaultCPUGenerator(); }

bool has_generator(c10::Device device) { return device.is_cuda(); }

at::Tensor state_of(at::Generator generator) {
  const std::lock_guard lock(generator.mutex());
  return generator.get_state();
}

void set_state(at::Generator generator, const at::Tensor& state) {
  if (!state.defined()) return;
  const std::lock_guard lock(generator.mutex());
  generator.set_state(state);
}

void seed(at::Generator generator, std::uint64_t value) {
  const std::lock_guard lock(generator.mutex());
  generator.set_current_seed(value);
}

}  // namespace

RandomState random_state(c10::Device device) {
  RandomState state{state_of(cpu_generator()), {}};
  if (has_generator(device)) state.device = state_of(at::globalContext().defaultGenerator(device));
  return state;
}

void set_random_state(const RandomState& state, c10::Device device) {
  set_state(cpu_generator(), state.cpu);
  if (has_generator(device)) set_state(at::globalContext().defaultGenerator(device), state.device);
}

void seed_random(std::uint64_t value, c10::Device device) {
  seed(cpu_generator(), value);
  if (has_generator(device)) seed(at::globalContext().defaultGenerator(device), value);
}

}  // namespace temper
