// A loop over independent pieces of work on all cores.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

#include "host/util/cores.h"

namespace temper {

/// Calls each(i) for all i below `count`, in no order, each once, whatever others throw; then throws what that of the lowest
/// i threw. `each` is called by many threads at once.
template <class Each>
void on_all_cores(std::size_t count, const Each& each) {
  std::vector<std::exception_ptr> errors(count);
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        each(i);
      } catch (...) {
        errors[i] = std::current_exception();
      }
    }
  };
  {
    std::vector<std::jthread> others;
    const std::size_t threads = std::min(static_cast<std::size_t>(cores()), count);
    for (std::size_t i = 1; i < threads; ++i) others.emplace_back(work);
    work();
  }
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace temper
