// Runs a planned sweep: tasks whose needs are met go to a launcher, worker processes here or Slurm. What is done is in the
// records and in the stage cache, so a killed sweep goes on where it was; sweep.json is the plan, events.jsonl what
// happened, halving.json what rungs decided. Layout: <out>/<sweep>/sweep.json, <out>/<sweep>/<run_id>.h5 and folders,
// <out>/<sweep>/logs/, <out>/<sweep>/work/ for stages in flight, and <out>/<sweep>/slurm/ for what Slurm was asked to do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/plugin/registry.h"
#include "host/sweep/local_launcher.h"
#include "host/sweep/plan.h"
#include "host/sweep/slurm_launcher.h"
#include "host/util/progress.h"

namespace temper {

struct SweepOptions {
  LocalOptions local;
  std::optional<SlurmOptions> slurm;  ///< there instead of here
  int retries = 0;                    ///< further tries of a failed task
  bool fail_fast = false;
  std::vector<std::string> worker_args;  ///< handed to each worker: --plugin-path
  /// Whether stages are taken from and kept for other runs; if not, the sweep's runs still share among themselves, in a
  /// cache of the sweep's own that goes when all of them are complete.
  bool use_cache = true;
};

struct SweepOutcome {
  std::filesystem::path folder;
  std::size_t complete = 0, stopped = 0, failed = 0, all = 0;
  std::vector<std::filesystem::path> records;  ///< of complete runs, in the plan's order
};

/// Writes the plan where it is not there yet. A folder that holds another plan is a ConfigError.
void save_plan(const SweepPlan& plan, const std::filesystem::path& folder);
/// Throws DataError if the folder is no sweep.
SweepPlan load_plan(const std::filesystem::path& folder);
bool is_sweep(const std::filesystem::path& folder);

/// Does what is missing. Throws Cancelled on Ctrl-C, after the workers have saved (Slurm's jobs go on), and DataError if
/// another process runs the sweep. A sweep that was begun without the cache of other runs goes on without it.
SweepOutcome run_sweep(const SweepPlan& plan, const std::filesystem::path& folder, const SweepOptions& options,
                       TerminalProgress& progress);

/// Runs and their state, with the time that is left as far as it can be told.
std::string describe_sweep(const std::filesystem::path& folder);
/// Whether every run is complete, stopped or failed, and no worker is at work.
bool sweep_is_over(const std::filesystem::path& folder);

}  // namespace temper
