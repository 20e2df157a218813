// What `temper sweep` and `temper resume SWEEP` share: how many workers, what a failure does, and the closing words.
#pragma once

#include <filesystem>
#include <optional>

#include "host/cli/options.h"
#include "host/sweep/sweep.h"

namespace temper {

void add_sweep_options(boost::program_options::options_description& own);
/// From the options above and those of every command. `before`: those for Slurm that the sweep was last run with.
SweepOptions sweep_options(const ParsedOptions& options, const std::optional<SlurmOptions>& before);
int go_on_with_sweep(const std::filesystem::path& folder, const ParsedOptions& options);
/// Prints the comparison over the sweep's axes and where everything is. Returns the exit code.
int report_sweep(const SweepPlan& plan, const SweepOutcome& outcome);

}  // namespace temper
