// Runs an experiment: stage after stage, each evaluated when it is done, everything in one record. A run can be stopped or
// killed at any instant and resumed; what is finished is not computed again.
#pragma once

#include <filesystem>
#include <string>

#include "host/config/experiment.h"
#include "host/dist/group.h"
#include "host/plugin/registry.h"
#include "host/util/progress.h"

namespace temper {

struct RunOutcome {
  bool complete = false;  ///< all that was asked for was done
  std::filesystem::path record, folder;
  std::string summary;  ///< why it is not complete
};

struct RunOptions {
  bool use_cache = true;          ///< take stages and evaluations that were computed before, and keep new ones for others
  std::string only;               ///< a stage: do this one and what it builds on, and leave the rest of the run
  std::int64_t until = 0;         ///< with `only`: leave the stage after this step, to go on there later; 0: at its end
  std::filesystem::path cache;    ///< "": beside the folder of the record
  std::filesystem::path profile;  ///< folder for traces of training steps (train/trace.h); "": none
  Group* group = nullptr;         ///< of a run in many processes, of which this is rank 0; the others follow (followers.h)
};

/// A new run under `out`. Throws Cancelled after saving on Ctrl-C.
RunOutcome start_run(const Experiment& experiment, const Registry& registry, const std::filesystem::path& out,
                     const RunOptions& options, TerminalProgress& progress);
/// The run of exactly this record: made if it is not there, else gone on with if it is of the same experiment.
RunOutcome run_at(const Experiment& experiment, const Registry& registry, const std::filesystem::path& record,
                  const RunOptions& options, TerminalProgress& progress);
/// Goes on exactly where the record's run stopped. A complete run is left as it is.
RunOutcome resume_run(const std::filesystem::path& record, const Registry& registry, const RunOptions& options,
                      TerminalProgress& progress);

/// Table of stages and their state, for `temper status`.
std::string describe_status(const std::filesystem::path& record);

}  // namespace temper
