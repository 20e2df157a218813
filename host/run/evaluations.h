// The evaluators after a stage of a run: who is due, what the cache has of it, and the record of the rest.
#pragma once

#include <c10/core/Device.h>

#include <string>
#include <vector>

#include "host/dist/group.h"
#include "host/record/run_record.h"
#include "host/run/assets.h"
#include "host/run/run_paths.h"
#include "host/run/stage_cache.h"
#include "host/run/stage_keys.h"

namespace temper {

/// The run that is evaluated; the references outlive the call.
struct EvaluatedRun {
  const Experiment& experiment;
  const Registry& registry;
  const RunPaths& paths;
  RunRecord& record;
  RunAssets& assets;
  const StageCache& cache;
  StageKeys& keys;
  TerminalProgress& progress;
  c10::Device device;
  bool use_cache = true;
  Group* group = nullptr;
};

/// Writes into the record what is due after the finished stage and not there yet. An evaluator is due once the stages that
/// its parameters name are among the finished ones.
void evaluate_stage(const EvaluatedRun& run, const std::string& stage, const std::vector<std::string>& finished);

}  // namespace temper
