// The communicator of a run in one process: every collective is the identity.
#pragma once

#include <string>
#include <vector>

#include "temper/context.h"

namespace temper {

class SingleProcess final : public Communicator {
 public:
  int rank() const override { return 0; }
  int world_size() const override { return 1; }
  void all_reduce_sum(at::Tensor&) override {}
  void broadcast(at::Tensor&, int) override {}
  std::vector<std::string> all_gather(const std::string& bytes) override { return {bytes}; }
  void barrier() override {}
};

}  // namespace temper
