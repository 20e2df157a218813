// Results of stages and evaluations that runs share: <out>/cache/stages/<key>/ and <out>/cache/evals/<key>.h5, by the keys
// of stage_keys.h. Whoever holds an entry's lock computes it; others wait and then take the result. The lock is the kernel's
// (flock), so that of a dead owner is free at once; owner.json says who holds it and when it last gave a sign.
//   <key>/final/        the finished checkpoint (none if the stage diverged); runs get hard links to its files
//   <key>/step-N/       resumable checkpoints of the stage in flight, partial.h5 the log that belongs to them
//   <key>/stage.h5      the stage's part of a record; done.json names files and hashes and makes the entry complete
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace temper {

/// Held while an entry is computed. Movable, released when it ends.
class EntryLock {
 public:
  /// Waits; calls `on_wait` once with who holds it ("process 12 on box, since ..."), and `cancelled` between tries (then
  /// throws Cancelled). What `on_wait` throws ends the waiting.
  EntryLock(const std::filesystem::path& entry, const std::function<void(const std::string&)>& on_wait,
            const std::function<bool()>& cancelled);
  ~EntryLock();
  EntryLock(const EntryLock&) = delete;
  EntryLock& operator=(const EntryLock&) = delete;

  /// Whether somebody holds it now.
  static bool is_held(const std::filesystem::path& entry);

 private:
  void sign();
  std::filesystem::path owner_;
  int handle_ = -1;
  std::jthread heartbeat_;
};

struct CacheEntry {
  std::string key, kind;  ///< "stage" or "evaluation"
  std::string stage, plugin, status, experiment, run_id, created;
  std::uint64_t bytes = 0;
  double seconds = 0;  ///< that it took to compute
  bool complete = false, running = false;
  std::vector<std::string> users = {};  ///< "RUN_ID:STAGE" of the runs beside the cache that share its checkpoint
  std::int64_t steps = 0;               ///< that it took; 0 of an entry that does not say it
};

/// Whether a folder looks like <cache>/stages/<key>, complete or not.
bool is_stage_entry(const std::filesystem::path& folder);

class StageCache {
 public:
  explicit StageCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::filesystem::path stage_folder(const std::string& key) const { return folder_ / "stages" / key; }
  std::filesystem::path eval_file(const std::string& key) const { return folder_ / "evals" / (key + ".h5"); }

  bool has_stage(const std::string& key) const;  ///< complete, by done.json alone
  /// Empty if every file of the entry is there with its hash; else a sentence about what is wrong.
  std::string verify_stage(const std::string& key) const;
  /// Makes what is in the folder a complete entry; `facts` has key, stage, plugin, status, experiment, run_id, seconds.
  void complete_stage(const CacheEntry& facts) const;
  /// Takes a damaged entry away, so that it is computed again.
  void remove_stage(const std::string& key) const;

  /// Newest first, evaluations after stages.
  std::vector<CacheEntry> list() const;
  /// An entry that somebody computes is left alone (false).
  bool remove(const CacheEntry& entry) const;

 private:
  std::filesystem::path folder_;
};

/// `target` becomes a folder with the same files, as hard links where the file system allows, else copies; it appears whole
/// or not at all.
void share_folder(const std::filesystem::path& source, const std::filesystem::path& target);

}  // namespace temper
