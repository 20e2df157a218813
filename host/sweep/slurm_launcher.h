// Tasks as Slurm's job arrays with dependencies. They wait, run and end without this process: another command finds them
// again by what is in the sweep's folder (slurm_folder.h). One task is one job of one process.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/sweep/launcher.h"

namespace temper {

struct SlurmOptions {
  int jobs = 0;                                  ///< of one array at once; 0: as many as Slurm likes
  int cpus = 1;                                  ///< of each task, and its threads
  std::string partition, account, memory, time;  ///< as sbatch takes them; "" leaves them to the site
  std::vector<std::string> args;                 ///< further words for sbatch
};

/// `say` tells people a line. Throws ConfigError where there is no Slurm, DataError if it does not answer.
std::unique_ptr<Launcher> make_slurm_launcher(const std::filesystem::path& sweep, const SlurmOptions& options,
                                              const std::function<void(const std::string&)>& say);

/// The words for sbatch that say how a job is to be run, before those that say what. Throws ConfigError for words that are
/// temper's own.
std::vector<std::string> site_words(const SlurmOptions& options);

/// The options that a sweep was last in Slurm with; nothing if it never was. Saved for `temper resume`.
void save_slurm_options(const std::filesystem::path& sweep, const SlurmOptions& options);
std::optional<SlurmOptions> slurm_options_of(const std::filesystem::path& sweep);

/// What Slurm has of a sweep now, by the tasks' names: "running on n3, job 12_4", "queued (Resources), job 12_5".
struct SlurmView {
  std::map<std::string, std::string> running, queued;
  std::vector<std::string> jobs;  ///< ids of the arrays that are meant
  std::string error;              ///< why it could not be asked, if there is something to ask about
};
SlurmView view_slurm(const std::filesystem::path& sweep);
/// Throws ConfigError if Slurm still has tasks of the sweep, or cannot be asked about those that it had.
void require_not_in_slurm(const std::filesystem::path& sweep);

}  // namespace temper
