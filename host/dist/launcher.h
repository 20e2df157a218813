// `--nproc N`: N processes of this program on this machine, each a rank of one run.
#pragma once

#include <string>
#include <vector>

namespace temper {

/// Starts this program N times with `args` and the ranks' environment, passes on SIGINT and SIGTERM, and waits for all. When
/// one ends with an error the others get a few seconds to stop by themselves and are killed then. Returns the first exit
/// code that is not 0; a rank ended by a signal is named on stderr and counts as 1. Throws ConfigError for N below 1.
int launch_ranks(int ranks, const std::vector<std::string>& args);

}  // namespace temper
