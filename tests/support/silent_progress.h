// Progress for tests and benchmarks that show none.
#pragma once

#include <string>

#include "temper/context.h"

namespace temper::test {

class SilentProgress final : public Progress {
 public:
  void begin(const std::string&, std::int64_t) override {}
  void update(std::int64_t, const std::string&) override {}
  void end() override {}
};

}  // namespace temper::test
