// What is intact of what temper wrote, and what is not: records with their check sums and tables, checkpoints with their
// hashes, a sweep's plan and log of events, entries of the stage cache. `temper verify` shows it. Reads only, repairs
// nothing; may look at a run or a sweep that is at work.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace temper {

/// Something unfinished (a run that was stopped, an entry that is being computed) is no fault.
enum class Soundness { kIntact, kUnfinished, kDamaged, kMissing };

struct Finding {
  std::string kind;  ///< record, checkpoint, sweep plan, sweep events, experiment, cache entry, cached evaluation
  std::filesystem::path path;
  Soundness state = Soundness::kIntact;
  std::string reason;  ///< a sentence about what is wrong or unfinished
};

inline bool is_fault(const Finding& finding) {
  return finding.state == Soundness::kDamaged || finding.state == Soundness::kMissing;
}

/// `path`: a record, a run's folder, a sweep, a checkpoint folder, a cache or one of its entries, or a folder with any of
/// these. Throws DataError if there is nothing of the kind.
std::vector<Finding> verify(const std::filesystem::path& path);

}  // namespace temper
