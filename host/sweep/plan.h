// From a sweep's cells to runs and to the distinct stages behind them: what has to be computed, in which order, and by
// whom. Two runs share a stage if its key is the same (host/run/stage_keys.h); the data's content is not looked at here,
// because it is the same for all runs of one sweep.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/config/experiment.h"
#include "host/plugin/registry.h"
#include "host/sweep/axes.h"

namespace temper {

struct PlannedRun {
  std::string run_id;                 ///< readable, stable, unique in the sweep: "learning_rate=0.0003-s2"
  std::vector<Assignment> values;     ///< the cell: keys and values as set
  std::vector<std::string> resolved;  ///< each of these values as the experiment reads it: 1e-3 is 0.001
  std::uint64_t seed = 0;
  std::vector<std::string> stages, keys;  ///< in the order they run; the key of each
};

/// A stage to compute, or (stage "") the rest of a run: what is left of its stages, all evaluations, its record.
struct Task {
  std::size_t run = 0;  ///< index of the run that it is done for, or first done for
  std::string stage;
  std::vector<std::size_t> needs;   ///< indices of tasks, all smaller
  std::size_t rungs_before = 0;     ///< of the halving, that have to be decided before it begins
  std::optional<std::size_t> rung;  ///< it ends where this rung judges; at the rung's step, the stage is left there
};

struct SweepPlan {
  std::string name, experiment;
  std::filesystem::path origin;   ///< the experiment's file
  std::string text;               ///< the experiment without the cells' values, for parse_experiment with that origin
  std::vector<std::string> axes;  ///< keys, in order
  std::vector<PlannedRun> runs;
  std::vector<Task> tasks;
  std::size_t distinct_stages = 0, all_stages = 0;
  std::optional<Halving> halving;
  std::vector<std::vector<std::size_t>> rung_tasks;  ///< by rung and run: the task that brings the run there
  std::int64_t threads = 0;  ///< of the experiment, unless a cell says otherwise; 0 for a plan that was loaded
  std::vector<std::string> notes;
};

struct SweepRequest {
  std::filesystem::path experiment;
  std::vector<std::string> sets;
  SweepSpec spec;            ///< of the command line; axes of the experiment's own `sweep` section are added to it
  std::int64_t threads = 0;  ///< of each run; 0 leaves the experiment's own
  std::string name;          ///< "" makes one from the experiment's name and the cells
};

/// Throws ConfigError with the cell's values in front if one of them does not fit the experiment.
SweepPlan plan_sweep(const SweepRequest& request, const Registry& registry);
/// The tasks of runs that are known already (a manifest's): fills distinct_stages, all_stages, tasks and rung_tasks.
void plan_tasks(SweepPlan& plan);
/// By task: whether one of these runs (a flag each) needs it.
std::vector<bool> tasks_of(const SweepPlan& plan, const std::vector<bool>& runs);

/// The experiment with a cell's values; `tree` is the plan's text, composed.
Experiment experiment_of(const SweepPlan& plan, const config::YamlNode& tree, const std::vector<Assignment>& cell,
                         const Registry& registry);

/// A dataset's slot with its values and filters, as text hashed: equal ones read the same data. "" if there is none.
std::string dataset_identity(const Experiment& experiment, const std::string& name);

/// A value as it stands in a run id: exact, and without what a file name cannot hold.
std::string name_part(const std::string& value);

}  // namespace temper
