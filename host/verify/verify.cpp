// Verifying (see verify.h).
#include "host/verify/verify.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "host/record/record_check.h"
#include "host/record/record_reader.h"
#include "host/run/run_paths.h"
#include "host/run/stage_cache.h"
#include "host/sweep/sweep.h"
#include "host/train/checkpoint.h"
#include "host/util/files.h"
#include "host/util/json_seal.h"
#include "temper/error.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

using Findings = std::vector<Finding>;

constexpr const char* kExperiment = "experiment.yaml";

std::vector<fs::path> children_of(const fs::path& folder) {
  std::vector<fs::path> children;
  for (const auto& entry : fs::directory_iterator(folder)) children.push_back(entry.path());
  std::sort(children.begin(), children.end());
  return children;
}

fs::path record_beside(const fs::path& run_folder) { return run_folder.string() + ".h5"; }

/// Damaged with a reason, else intact.
void judge(Findings& found, const std::string& kind, const fs::path& path, const std::string& fault) {
  found.push_back({kind, path, fault.empty() ? Soundness::kIntact : Soundness::kDamaged, fault});
}

void check_checkpoint(Findings& found, const fs::path& folder, const std::string& weights_sha) {
  if (!fs::exists(folder)) {
    found.push_back({"checkpoint", folder, Soundness::kMissing, "the record names it, but it is not there"});
    return;
  }
  std::string fault = checkpoint_fault(folder);
  if (fault.empty() && !weights_sha.empty() && read_manifest(folder).weights_sha256 != weights_sha) {
    fault = "its weights are others than the record says (sha256 " + weights_sha.substr(0, 12) + "...)";
  }
  judge(found, "checkpoint", folder, fault);
}

/// Checkpoints of a stage in flight; one that its run took away in the meantime is none.
void check_resumable(Findings& found, const fs::path& stage_folder) {
  for (const auto& folder : resumable_checkpoints(stage_folder)) {
    const std::string fault = checkpoint_fault(folder);
    if (fs::exists(folder)) judge(found, "checkpoint", folder, fault);
  }
}

void check_record(Findings& found, const fs::path& path) {
  if (!fs::exists(path)) {
    found.push_back({"record", path, Soundness::kMissing, "the record is not there, but the run's folder is"});
    return;
  }
  const std::string fault = record_fault(path);
  judge(found, "record", path, fault);
  const std::size_t at = found.size() - 1;
  RunPaths paths;
  try {
    const RecordReader reader(path);
    paths = paths_of_record(path);
    const std::string status = reader.attribute("status");
    if (fault.empty() && status != "complete" && status != "stopped") {
      found[at].state = Soundness::kUnfinished;
      found[at].reason = "the run is " + status;
    }
    for (const auto& stage : reader.stage_names()) {
      const StageSummary summary = reader.stage(stage);
      if (!summary.checkpoint.empty()) {
        check_checkpoint(found, path.parent_path() / summary.checkpoint, summary.checkpoint_sha256);
      }
      check_resumable(found, paths.stage_folder(stage));
    }
    const bool resumable = reader.attributes().count("host_identity") > 0 && status != "complete";
    if (resumable && fs::is_directory(paths.folder) && !fs::exists(paths.folder / kExperiment)) {
      found.push_back(
          {"experiment", paths.folder / kExperiment, Soundness::kMissing, "the run cannot be resumed without it"});
    }
  } catch (const std::exception&) {
    // The record's own finding has said why; what lies beside it is checked by what it says of itself.
    if (!fs::is_directory(paths_of_record(path).folder)) return;
    for (const auto& stage : children_of(paths_of_record(path).folder)) {
      if (fs::exists(stage / "final")) check_checkpoint(found, stage / "final", "");
      check_resumable(found, stage);
    }
  }
}

/// What happened last to each task, by its label; a line that is no event is a fault.
std::map<std::string, std::string> check_events(Findings& found, const fs::path& path) {
  std::map<std::string, std::string> last;
  if (!fs::exists(path)) return last;
  std::ifstream file(path);
  std::string fault;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const auto event = nlohmann::json::parse(line, nullptr, false);
    if (event.is_object() && event.contains("task") && event["task"].is_string() && event.contains("event") &&
        event["event"].is_string()) {
      last[event["task"]] = event["event"];
    } else if (fault.empty()) {
      fault = "line " + std::to_string(number) + " is no event";
    }
  }
  judge(found, "sweep events", path, fault);
  return last;
}

void check_run_of_sweep(Findings& found, const fs::path& record, const PlannedRun& run, const std::string& last_event) {
  if (!fs::exists(record)) {
    const bool ended = last_event == "done" || last_event == "failed" || last_event == "diverged";
    found.push_back(
        {"record", record, ended ? Soundness::kMissing : Soundness::kUnfinished,
         ended ? "the run has ended (" + last_event + "), but its record is not there" : "the run has not begun"});
    return;
  }
  const std::size_t at = found.size();
  check_record(found, record);
  if (is_fault(found[at])) return;
  const RecordReader reader(record);
  if (reader.attribute("run_id") == run.run_id && reader.attribute("seed") == std::to_string(run.seed)) return;
  found[at].state = Soundness::kDamaged;
  found[at].reason = "it is the record of run " + reader.attribute("run_id") + " with seed " + reader.attribute("seed") +
                     ", not of this run of the sweep";
}

void check_halving(Findings& found, const SweepPlan& plan, const fs::path& folder) {
  const fs::path file = folder / "halving.json";
  if (!fs::exists(file)) return;
  try {
    load_verdicts(plan, folder);
    judge(found, "sweep halving", file, fault_of_json(nlohmann::ordered_json::parse(read_text_file(file))));
  } catch (const DataError& error) {
    judge(found, "sweep halving", file, error.what());
  }
}

void check_sweep(Findings& found, const fs::path& folder) {
  const fs::path file = folder / "sweep.json";
  try {
    const SweepPlan plan = load_plan(folder);
    judge(found, "sweep plan", file, fault_of_json(nlohmann::ordered_json::parse(read_text_file(file))));
    const fs::path text = folder / kExperiment;
    if (fs::exists(text)) {
      judge(found, "experiment", text, read_text_file(text) == plan.text ? "" : "it differs from the one in sweep.json");
    }
    check_halving(found, plan, folder);
    const auto last = check_events(found, folder / "events.jsonl");
    for (const auto& run : plan.runs) {
      const auto event = last.find(run.run_id);
      check_run_of_sweep(found, folder / (run.run_id + ".h5"), run, event == last.end() ? "" : event->second);
    }
  } catch (const DataError& error) {
    judge(found, "sweep plan", file, error.what());
    check_events(found, folder / "events.jsonl");
    for (const auto& child : children_of(folder)) {
      if (child.extension() == ".h5") check_record(found, child);
    }
  }
}

void check_entry(Findings& found, const fs::path& folder) {
  const StageCache cache(folder.parent_path().parent_path());
  const std::string key = folder.filename().string();
  if (EntryLock::is_held(folder) || !cache.has_stage(key)) {
    found.push_back(
        {"cache entry", folder, Soundness::kUnfinished, "it is not complete; a run that needs it goes on with it"});
    return;
  }
  judge(found, "cache entry", folder, cache.verify_stage(key));
}

void check_cache(Findings& found, const fs::path& cache) {
  if (fs::is_directory(cache / "stages")) {
    for (const auto& entry : children_of(cache / "stages")) {
      if (is_stage_entry(entry)) check_entry(found, entry);
    }
  }
  if (!fs::is_directory(cache / "evals")) return;
  for (const auto& file : children_of(cache / "evals")) {
    if (file.extension() == ".h5") judge(found, "cached evaluation", file, part_fault(file));
  }
}

bool is_cache(const fs::path& folder) {
  const bool has_stages = fs::is_directory(folder / "stages"), has_evals = fs::is_directory(folder / "evals");
  return (has_stages && has_evals) || (folder.filename() == "cache" && (has_stages || has_evals));
}

void check_folder(Findings& found, const fs::path& folder) {
  if (is_sweep(folder)) return check_sweep(found, folder);
  if (is_stage_entry(folder)) return check_entry(found, folder);
  if (fs::exists(folder / "temper.json")) return check_checkpoint(found, folder, "");
  if (is_cache(folder)) return check_cache(found, folder);
  if (fs::exists(record_beside(folder)) || fs::exists(folder / kExperiment))
    return check_record(found, record_beside(folder));
  for (const auto& child : children_of(folder)) {
    if (child.extension() == ".h5") {
      check_record(found, child);
    } else if (fs::is_directory(child) && !fs::exists(record_beside(child))) {
      check_folder(found, child);
    }
  }
}

}  // namespace

std::vector<Finding> verify(const fs::path& path) {
  Findings found;
  if (!fs::exists(path)) throw DataError("'" + path.string() + "' does not exist");
  if (fs::is_directory(path)) {
    // A folder's name says what it is, so "." and a slash at the end are resolved.
    const bool is_named = path.has_filename() && path.filename() != "." && path.filename() != "..";
    check_folder(found, is_named ? path : fs::canonical(path));
  } else if (path.extension() == ".h5" && fs::absolute(path).parent_path().filename() == "evals") {
    judge(found, "cached evaluation", path, part_fault(path));
  } else if (path.extension() == ".h5") {
    check_record(found, path);
  }
  if (found.empty()) {
    throw DataError(
        "'" + path.string() +
        "' holds nothing that can be verified; name a record (*.h5), the folder of a run, a sweep, a checkpoint, "
        "or a cache");
  }
  return found;
}

}  // namespace temper
