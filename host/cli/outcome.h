// The closing words of a run, for the commands that start or go on with one.
#pragma once

#include "host/run/runner.h"

namespace temper {

/// Prints what came out, where it is, and why it is not complete. Returns the exit code.
int report_outcome(const RunOutcome& outcome);

}  // namespace temper
