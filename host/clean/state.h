// How far a cleaning has come, as the work folder's state file says: what a stopped one goes on from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "host/clean/summary.h"

namespace temper::clean {

/// Where a cleaning is, as the state file holds it.
struct CleaningState {
  std::string identity;
  std::size_t pass = 0;
  std::int64_t documents = 0;         ///< read in this pass
  std::uint64_t place = 0;            ///< in the spool that is read
  std::vector<std::uint64_t> spools;  ///< bytes of each pass's spool, the last one growing
  std::uint64_t digests = 0;          ///< bytes of this pass's digests
  std::uint64_t numbered = 0;         ///< documents that are not dropped, of those read
  std::string sink;                   ///< the sink's mark
  std::uint64_t ledger = 0;
  bool finished = false;
  Summary summary;
};

std::string state_text(const CleaningState& state);
/// Throws DataError for a file that is damaged.
CleaningState read_state(const std::filesystem::path& path);

}  // namespace temper::clean
