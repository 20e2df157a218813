// What the commands that start a run or go on with one share: its options and its closing words.
#pragma once

#include "host/cli/options.h"
#include "host/run/runner.h"

namespace temper {

/// From the option "no-cache".
RunOptions run_options(const ParsedOptions& options, Group* group = nullptr);
/// Prints what came out, where it is, and why it is not complete. Returns the exit code.
int report_outcome(const RunOutcome& outcome);

}  // namespace temper
