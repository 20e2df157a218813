// Another program, run to its end with its output taken. For short commands of the system, such as Slurm's.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace temper {

struct ProgramResult {
  int code = 0;     ///< exit status; -1: a signal ended it, or it was ended because it took too long
  std::string out;  ///< standard output
  std::string err;  ///< standard error, or why there is none
};

/// `words[0]` is looked for on PATH. It is in a process group of its own, so a terminal's Ctrl-C does not reach it. Throws
/// DataError if it cannot be started.
ProgramResult run_program(const std::vector<std::string>& words, const std::vector<std::string>& environment,
                          std::chrono::seconds longest);
/// Whether a program of that name is on PATH.
bool has_program(const std::string& name);

}  // namespace temper
