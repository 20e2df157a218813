// What a sweep asked of Slurm, on disk, so that another command can take over: <sweep>/slurm/<number>/ is one job array.
//   array.json   its job name and tasks, written before it is submitted; `job` its id, written after
//   array.sh     what sbatch is given; <index>.sh the command of each task, also to be run or read by hand
//   <index>.end  exit code, seconds and job id, written by the script; <index>.out what Slurm itself had to say
//   accounted    indices whose end a coordinator has seen
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/sweep/launcher.h"
#include "host/sweep/slurm_arrays.h"
#include "host/sweep/slurm_output.h"

namespace temper {

struct SlurmArray {
  std::filesystem::path folder;
  int number = 0;
  std::string name;                                ///< of the job; no other array has it
  std::string job;                                 ///< "" if nobody noted it
  std::vector<std::pair<int, std::string>> tasks;  ///< index and the task's name
  std::set<int> accounted;
};

std::filesystem::path slurm_folder(const std::filesystem::path& sweep);
/// In the order of their numbers. Empty if the sweep never was in Slurm.
std::vector<SlurmArray> load_arrays(const std::filesystem::path& sweep);
/// Writes an array's folder, which is not there yet.
SlurmArray write_array(const std::filesystem::path& sweep, const ArrayPlan& plan, const std::vector<TaskOrder>& orders,
                       const std::string& program, int threads);
void note_job(SlurmArray& array, const std::string& job);
void note_accounted(SlurmArray& array, int index);
std::optional<OwnEnd> own_end(const SlurmArray& array, int index);
/// The last lines of what Slurm wrote about a task; mostly none.
std::string words_of_slurm(const SlurmArray& array, int index);

/// A word of the shell that stands for the text.
std::string shell_quoted(const std::string& text);

}  // namespace temper
