// Signal handling (see cancel.h). Only async-signal-safe calls inside the handler.
#include "host/util/cancel.h"

#include <unistd.h>

#include <csignal>
#include <string_view>

namespace temper {
namespace {

void write_text(std::string_view text) {
  [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
}

std::atomic<bool>& announced() {
  static std::atomic<bool> on{true};
  return on;
}

void on_signal(int) {
  const bool second = cancel_flag().exchange(true);
  if (second) {
    if (announced()) write_text("\nstopped at once; `temper resume` goes on from the last checkpoint\n");
    _exit(130);
  }
  if (announced()) write_text("\nstopping after the current step; press Ctrl-C again to stop at once\n");
}

}  // namespace

std::atomic<bool>& cancel_flag() {
  static std::atomic<bool> flag{false};
  return flag;
}

void announce_cancel(bool on) { announced() = on; }

bool cancel_requested() { return cancel_flag().load(std::memory_order_relaxed); }

void install_cancel_handler() {
  announced();  // made here, not inside the handler
  cancel_flag();
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace temper
