// The precision "bfloat16" of training.
#pragma once

#include <ATen/autocast_mode.h>

namespace temper {

/// bf16 matrix products inside its scope; parameters, gradients and optimiser stay float32.
class Autocast {
 public:
  Autocast(bool on, c10::Device device)
      : on_(on), device_(device.type()), before_(on && at::autocast::is_autocast_enabled(device_)) {
    if (!on_) return;
    at::autocast::set_autocast_dtype(device_, at::kBFloat16);
    at::autocast::set_autocast_enabled(device_, true);
  }
  ~Autocast() {
    if (!on_) return;
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, before_);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool on_;
  at::DeviceType device_;
  bool before_;
};

}  // namespace temper
