// Tasks as child processes of the coordinator, as many at once as there are jobs. They stop with it.
#pragma once

#include <memory>

#include "host/sweep/launcher.h"

namespace temper {

struct LocalOptions {
  int jobs = 1;
  int threads = 1;       ///< of each task
  double timeout_s = 0;  ///< of each task; 0: none
};

std::unique_ptr<Launcher> make_local_launcher(const std::filesystem::path& sweep, const LocalOptions& options);

}  // namespace temper
