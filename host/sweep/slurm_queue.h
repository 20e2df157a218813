// Slurm's commands: submit, ask, cancel. What they are given and print is plain data; which tasks there are is not known
// here.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "host/sweep/slurm_output.h"

namespace temper {

/// Throws ConfigError if this machine has no Slurm commands.
void require_slurm();

struct SlurmSite {
  std::size_t largest_array = 1000;  ///< tasks that one array may have
  bool accounting = false;           ///< whether sacct knows jobs that the controller has forgotten
  std::string accounting_storage;
};
/// Throws DataError with Slurm's own words if its controller does not answer.
SlurmSite ask_site();

struct SlurmAnswer {
  std::vector<SlurmTask> tasks;
  std::string error;  ///< "" if the command did well
};
/// What of the user's jobs with these names waits or runs.
SlurmAnswer ask_queue(const std::vector<std::string>& names);
/// What the controller still knows of an array, ended tasks as well; nothing if it has forgotten the job.
SlurmAnswer ask_controller(const std::string& job);
SlurmAnswer ask_accounting(const std::string& job);

struct Submitted {
  std::string job;    ///< "" if it was refused
  std::string error;  ///< why
};
Submitted submit(const std::vector<std::string>& sbatch_args);
/// Returns what went wrong, "" if nothing did.
std::string cancel_jobs(const std::vector<std::string>& jobs);

}  // namespace temper
