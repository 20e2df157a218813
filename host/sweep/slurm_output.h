// What Slurm's commands print, as data, and how a task of an array ended as a sentence. No command is run here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/sweep/launcher.h"

namespace temper {

/// One task of a job array as a command of Slurm shows it.
struct SlurmTask {
  std::string job;            ///< the array's job id
  int index = 0;              ///< in the array
  std::string state, reason;  ///< "PENDING", "Resources"
  std::string node = {};      ///< "" if it has none
  std::string name = {};      ///< the job's name, of squeue only
  int code = 0, signal = 0;   ///< of scontrol and sacct
};

/// What a task's script wrote when temper had ended.
struct OwnEnd {
  int code = 0;  ///< as a shell has it: 128 + N for signal N
  double seconds = 0;
  std::string job;
};

/// The format that parse_squeue() reads, with --array and --noheader.
inline constexpr const char* kSqueueFormat = "%F|%K|%T|%r|%N|%j";
inline constexpr const char* kSacctFormat = "JobID,State,ExitCode,NodeList";

/// Lines that are no array's task are left out, here and below.
std::vector<SlurmTask> parse_squeue(const std::string& text);
/// Of `scontrol show job --oneliner`; a line for several waiting tasks gives each of them.
std::vector<SlurmTask> parse_scontrol(const std::string& text);
/// Of `sacct --noheader --parsable2 --allocations` with kSacctFormat.
std::vector<SlurmTask> parse_sacct(const std::string& text);
/// "1234" or "1234;cluster", as `sbatch --parsable` prints it; "" for anything else.
std::string parse_submitted(const std::string& text);
/// "2-5,8%2" or "0-8:4" gives each index.
std::vector<int> parse_indices(const std::string& text);
/// {0,1,2,5} gives "0-2,5".
std::string indices_text(const std::vector<int>& sorted);
/// The value of "Name = value" in `scontrol show config`; "" if it is not there.
std::string config_value(const std::string& text, const std::string& name);
/// "12 0.5 1234"
std::optional<OwnEnd> parse_own_end(const std::string& text);

/// Whether a task in that state will not go on by itself.
bool is_over(const std::string& state);
/// Whether it never began because a task before it did not end well.
bool is_put_off(const SlurmTask& task);
/// How a task ended, from what Slurm says and what its script wrote; nothing if neither says that it has.
std::optional<TaskEnd> end_in_slurm(const std::optional<SlurmTask>& slurm, const std::optional<OwnEnd>& own);

}  // namespace temper
