// A run in many processes. Rank 0 runs the experiment as one alone would: it decides, and it alone writes record,
// checkpoints and cache. The others follow: for each stage that is computed they make the same context on a scratch record
// and run the stage's plugin beside it, so that collectives inside meet. Checkpoints are read from the run's folder, which
// all machines have to share.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "host/config/experiment.h"
#include "host/dist/group.h"
#include "host/plugin/registry.h"
#include "host/run/run_paths.h"

namespace temper {

/// What rank 0 tells the others before anything else.
struct RunNews {
  std::string experiment_text;  ///< Experiment::effective_text
  std::filesystem::path origin;
  RunPaths paths;
  std::string run_id;
  int threads = 1;
  std::filesystem::path profile;  ///< as in RunOptions
};

// Of a run in one process `group` is null and these do nothing.

/// Rank 0 tells, and all compare plugins, program and data; throws ConfigError that names a rank that has other ones.
/// `data` gives this process's fingerprint of each of the experiment's datasets.
void begin_together(Group* group, const RunNews& news, c10::Device device, const Experiment& experiment,
                    const Registry& registry, const std::function<std::string(const std::string& dataset)>& fingerprint);
void tell_stage(Group* group, const std::string& stage, const std::filesystem::path& folder);
/// From here on the others have the finished model of this stage, and compute their shares of what is ordered.
void tell_model(Group* group, const std::string& stage);
void tell_generate(Group* group, const std::string& order);
void tell_score(Group* group, const std::string& order);
/// Of a model from outside the run: `what` is "generate" or "score".
void tell_lent(Group* group, const std::string& reference, const std::string& what, const std::string& order);
void tell_help(Group* group, const std::string& evaluator, const std::string& order);
void tell_end(Group* group);

/// Collective, after a stage: throws Error if a rank's weights are not those of rank 0, bit for bit.
void check_equal_weights(Group* group, Architecture& model, const std::string& stage);

/// What a rank other than 0 does in a run, until rank 0 says that it is over. `own` is the experiment that this rank was
/// started with, null when it goes on with a record.
void follow(Group& group, const Experiment* own, const Registry& registry);

}  // namespace temper
