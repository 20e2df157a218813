// Running Slurm's commands (see slurm_queue.h).
#include "host/sweep/slurm_queue.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "host/dist/ranks.h"
#include "host/util/subprocess.h"
#include "temper/error.h"

namespace temper {
namespace {

constexpr std::chrono::seconds kLongest{120};

/// A sweep may be started from inside a job; what that job's variables say is not meant for the jobs it submits. What a user
/// sets to choose how squeue prints is not meant for a program.
std::vector<std::string> environment() {
  auto variables = environment_of_one();
  constexpr std::array kKept = {"SLURM_CONF=", "SLURM_CLUSTERS=", "SLURM_JWT="};
  std::erase_if(variables, [&](const std::string& one) {
    if (one.rfind("SQUEUE_", 0) == 0 || one.rfind("SACCT_", 0) == 0 || one.rfind("SCONTROL_", 0) == 0) return true;
    if (one.rfind("SLURM_", 0) != 0) return false;
    return std::none_of(kKept.begin(), kKept.end(), [&](const char* kept) { return one.rfind(kept, 0) == 0; });
  });
  return variables;
}

ProgramResult run(const std::vector<std::string>& words) { return run_program(words, environment(), kLongest); }

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string error_of(const ProgramResult& result, const std::string& program) {
  if (result.code == 0) return "";
  const std::string words = one_line(result.err);
  return words.empty() ? program + " ended with exit code " + std::to_string(result.code) : words;
}

}  // namespace

void require_slurm() {
  for (const char* program : {"sbatch", "squeue", "scontrol", "scancel"}) {
    if (!has_program(program)) {
      throw ConfigError(
          std::string("the launcher slurm needs Slurm's commands, and '") + program +
          "' is not on this machine's PATH; start the sweep where jobs are submitted, or with --launcher local");
    }
  }
}

SlurmSite ask_site() {
  const auto result = run({"scontrol", "show", "config"});
  if (result.code != 0) throw DataError("Slurm does not answer: " + error_of(result, "scontrol"));
  SlurmSite site;
  const auto largest = parse_indices(config_value(result.out, "MaxArraySize"));
  // The greatest index is one less than that.
  if (!largest.empty() && largest[0] > 1) site.largest_array = static_cast<std::size_t>(largest[0]) - 1;
  site.accounting_storage = config_value(result.out, "AccountingStorageType");
  site.accounting = site.accounting_storage == "accounting_storage/slurmdbd";
  return site;
}

SlurmAnswer ask_queue(const std::vector<std::string>& names) {
  if (names.empty()) return {};
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ",") + name;
  const auto result = run({"squeue", "--noheader", "--array", "--user=" + std::to_string(geteuid()), "--name=" + all,
                           std::string("--format=") + kSqueueFormat});
  return {parse_squeue(result.out), error_of(result, "squeue")};
}

SlurmAnswer ask_controller(const std::string& job) {
  const auto result = run({"scontrol", "show", "job", "--oneliner", job});
  if (result.code != 0 && result.err.find("Invalid job id") != std::string::npos) return {};
  return {parse_scontrol(result.out), error_of(result, "scontrol")};
}

SlurmAnswer ask_accounting(const std::string& job) {
  const auto result = run({"sacct", "--noheader", "--parsable2", "--allocations", "--array", "--jobs=" + job,
                           std::string("--format=") + kSacctFormat});
  return {parse_sacct(result.out), error_of(result, "sacct")};
}

Submitted submit(const std::vector<std::string>& sbatch_args) {
  std::vector<std::string> words{"sbatch", "--parsable"};
  words.insert(words.end(), sbatch_args.begin(), sbatch_args.end());
  const auto result = run(words);
  if (result.code != 0) return {"", error_of(result, "sbatch")};
  const std::string job = parse_submitted(result.out);
  return {job, job.empty() ? "sbatch printed '" + one_line(result.out) + "' where a job id should be" : ""};
}

std::string cancel_jobs(const std::vector<std::string>& jobs) {
  if (jobs.empty()) return "";
  std::vector<std::string> words{"scancel"};
  words.insert(words.end(), jobs.begin(), jobs.end());
  return error_of(run(words), "scancel");
}

}  // namespace temper
