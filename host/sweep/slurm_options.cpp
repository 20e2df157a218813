// What a site and its users want of a job, for sbatch and on disk; and what Slurm has of a sweep (see slurm_launcher.h).
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "host/sweep/slurm_folder.h"
#include "host/sweep/slurm_launcher.h"
#include "host/sweep/slurm_queue.h"
#include "host/util/files.h"
#include "host/util/subprocess.h"
#include "temper/error.h"

namespace temper {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

fs::path options_file(const fs::path& sweep) { return slurm_folder(sweep) / "options.json"; }

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

std::vector<std::string> site_words(const SlurmOptions& options) {
  // A node that fails is a failure that the sweep notes and retries itself; `--slurm-arg requeue` leaves that to Slurm.
  std::vector<std::string> words{"--nodes=1", "--ntasks=1", "--cpus-per-task=" + std::to_string(options.cpus),
                                 "--no-requeue"};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) words.push_back(std::string(name) + value);
  };
  add("--partition=", options.partition);
  add("--account=", options.account);
  add("--mem=", options.memory);
  add("--time=", options.time);
  constexpr std::array kOwn = {"array", "dependency", "error",  "job-name", "kill-on-invalid-dep",
                               "nodes", "ntasks",     "output", "parsable", "wrap"};
  for (const auto& arg : options.args) {
    const std::string word = arg.rfind('-', 0) == 0 ? arg : "--" + arg;
    const std::string name = word.substr(2, word.find('=') - 2);
    if (std::find(kOwn.begin(), kOwn.end(), name) != kOwn.end() || word.size() < 3 || word[1] != '-') {
      throw ConfigError("--slurm-arg " + arg +
                        ": it must be a long option of sbatch (NAME=VALUE) other than those that the sweep sets itself (" +
                        joined({kOwn.begin(), kOwn.end()}) + ")");
    }
    words.push_back(word);
  }
  return words;
}

std::optional<SlurmOptions> slurm_options_of(const fs::path& sweep) {
  if (!fs::exists(options_file(sweep))) return std::nullopt;
  try {
    const Json json = Json::parse(read_text_file(options_file(sweep)));
    return SlurmOptions{json.at("jobs"),
                        json.at("cpus"),
                        json.at("partition"),
                        json.at("account"),
                        json.at("memory"),
                        json.at("time"),
                        json.at("args").get<std::vector<std::string>>()};
  } catch (const nlohmann::json::exception& error) {
    throw DataError("'" + options_file(sweep).string() + "' does not hold a sweep's options: " + error.what());
  }
}

void save_slurm_options(const fs::path& sweep, const SlurmOptions& options) {
  create_folders(slurm_folder(sweep));
  const Json json = {{"jobs", options.jobs},       {"cpus", options.cpus},     {"partition", options.partition},
                     {"account", options.account}, {"memory", options.memory}, {"time", options.time},
                     {"args", options.args}};
  write_file_atomically(options_file(sweep), json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

SlurmView view_slurm(const fs::path& sweep) {
  SlurmView view;
  std::vector<SlurmArray> open;
  std::vector<std::string> names;
  for (auto& array : load_arrays(fs::absolute(sweep).lexically_normal())) {
    if (array.accounted.size() == array.tasks.size()) continue;
    names.push_back(array.name);
    open.push_back(std::move(array));
  }
  if (open.empty()) return view;
  if (!has_program("squeue")) {
    view.error = "squeue is not on this machine's PATH";
    return view;
  }
  const auto queue = ask_queue(names);
  view.error = queue.error;
  for (const auto& task : queue.tasks) {
    const auto array = std::find_if(open.begin(), open.end(), [&](const SlurmArray& one) { return one.name == task.name; });
    if (array == open.end()) continue;
    if (std::find(view.jobs.begin(), view.jobs.end(), task.job) == view.jobs.end()) view.jobs.push_back(task.job);
    for (const auto& [index, name] : array->tasks) {
      if (index != task.index) continue;
      const std::string job = "job " + task.job + "_" + std::to_string(index);
      if (task.state == "PENDING") {
        view.queued[name] = "queued (" + task.reason + "), " + job;
      } else {
        view.running[name] = (task.state == "RUNNING" ? "running" : task.state) + " on " + task.node + ", " + job;
      }
    }
  }
  return view;
}

void require_not_in_slurm(const fs::path& sweep) {
  const SlurmView view = view_slurm(sweep);
  if (!view.error.empty()) {
    throw ConfigError("tasks of this sweep were given to Slurm, which cannot be asked about them here (" + view.error +
                      "); go on with --launcher slurm where jobs are submitted, or delete '" + slurm_folder(sweep).string() +
                      "' if none of them is left");
  }
  const std::size_t tasks = view.running.size() + view.queued.size();
  if (tasks == 0) return;
  throw ConfigError(std::to_string(tasks) +
                    " tasks of this sweep are in Slurm; go on with --launcher slurm, or end them first: scancel " +
                    joined(view.jobs));
}

}  // namespace temper
