// The folders of job arrays (see slurm_folder.h).
#include "host/sweep/slurm_folder.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "host/sweep/plan.h"
#include "host/sweep/worker.h"
#include "host/util/files.h"
#include "temper/error.h"
#include "temper/hash.h"

namespace temper {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

/// Readable in squeue, and unique: sweeps of one name may lie in many folders.
std::string job_name(const fs::path& sweep, const ArrayPlan& plan) {
  Sha256 hash;
  hash.update(sweep.string());
  return name_part(sweep.filename().string()) + "." + plan.kind + "." + std::to_string(plan.number) + "-" +
         hash.hex().substr(0, 8);
}

std::string script_of(const TaskOrder& order, const fs::path& sweep, const fs::path& end, const std::string& program,
                      int threads) {
  std::string command = shell_quoted(program);
  for (const auto& arg : order.args) command += " " + shell_quoted(arg);
  const std::string target = shell_quoted(end.string()), part = shell_quoted(end.string() + ".part");
  // Slurm's signals go to temper as well; the shell only has to outlive them, to write down how temper ended.
  return "#!/bin/sh\ntrap : TERM INT\nexport OMP_NUM_THREADS=" + std::to_string(threads) + "\nrm -f " + target +
         "\nbegan=$(date +%s)\n" + command + " </dev/null >>" + shell_quoted(log_of(sweep, order.name).string()) +
         " 2>&1\ncode=$?\necho \"$code $(($(date +%s) - began)) ${SLURM_ARRAY_JOB_ID:-0}\" >" + part + " && mv " + part +
         " " + target + "\nexit \"$code\"\n";
}

}  // namespace

std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

fs::path slurm_folder(const fs::path& sweep) { return sweep / "slurm"; }

std::vector<SlurmArray> load_arrays(const fs::path& sweep) {
  std::vector<SlurmArray> arrays;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(slurm_folder(sweep), none)) {
    const fs::path description = entry.path() / "array.json";
    if (!fs::exists(description)) continue;
    SlurmArray array;
    array.folder = entry.path();
    try {
      const Json json = Json::parse(read_text_file(description));
      array.number = json.at("number");
      array.name = json.at("name");
      for (const auto& task : json.at("tasks")) array.tasks.emplace_back(task.at(0), task.at(1));
    } catch (const nlohmann::json::exception& error) {
      throw DataError("'" + description.string() + "' does not describe a job array: " + error.what());
    }
    if (fs::exists(array.folder / "job")) array.job = parse_submitted(read_text_file(array.folder / "job"));
    std::ifstream accounted(array.folder / "accounted");
    for (int index = 0; accounted >> index;) array.accounted.insert(index);
    for (const auto& [index, name] : array.tasks) {
      if (!array.job.empty()) break;
      if (const auto end = own_end(array, index)) note_job(array, end->job);
    }
    arrays.push_back(std::move(array));
  }
  std::sort(arrays.begin(), arrays.end(), [](const SlurmArray& a, const SlurmArray& b) { return a.number < b.number; });
  return arrays;
}

SlurmArray write_array(const fs::path& sweep, const ArrayPlan& plan, const std::vector<TaskOrder>& orders,
                       const std::string& program, int threads) {
  SlurmArray array;
  array.number = plan.number;
  array.folder = slurm_folder(sweep) / std::to_string(plan.number);
  array.name = job_name(sweep, plan);
  create_folders(sweep / "logs");
  create_folders(array.folder);
  Json tasks = Json::array();
  for (std::size_t i = 0; i < plan.orders.size(); ++i) {
    const TaskOrder& order = orders[plan.orders[i]];
    const std::string index = std::to_string(plan.indices[i]);
    write_file_atomically(array.folder / (index + ".sh"),
                          script_of(order, sweep, array.folder / (index + ".end"), program, threads));
    array.tasks.emplace_back(plan.indices[i], order.name);
    tasks.push_back({plan.indices[i], order.name});
  }
  write_file_atomically(array.folder / "array.sh",
                        "#!/bin/sh\nexec /bin/sh " + shell_quoted(array.folder.string()) + "/\"$SLURM_ARRAY_TASK_ID\".sh\n");
  const Json json = {{"number", plan.number}, {"name", array.name}, {"tasks", tasks}};
  write_file_atomically(array.folder / "array.json", json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
  return array;
}

void note_job(SlurmArray& array, const std::string& job) {
  array.job = job;
  write_file_atomically(array.folder / "job", job + "\n");
}

void note_accounted(SlurmArray& array, int index) {
  array.accounted.insert(index);
  std::ofstream file(array.folder / "accounted", std::ios::app);
  file << index << "\n" << std::flush;
  if (!file) throw DataError("cannot write '" + (array.folder / "accounted").string() + "'");
}

std::optional<OwnEnd> own_end(const SlurmArray& array, int index) {
  const fs::path path = array.folder / (std::to_string(index) + ".end");
  if (!fs::exists(path)) return std::nullopt;
  return parse_own_end(read_text_file(path));
}

std::string words_of_slurm(const SlurmArray& array, int index) {
  return tail_of(array.folder / (std::to_string(index) + ".out"), 3);
}

}  // namespace temper
