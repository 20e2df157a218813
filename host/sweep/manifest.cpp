// The plan of a sweep on disk, and its state for people (see sweep.h).
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "host/record/record_reader.h"
#include "host/sweep/sweep.h"
#include "host/util/files.h"
#include "host/util/json_seal.h"
#include "temper/error.h"

namespace temper {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

Json to_json(const SweepPlan& plan) {
  Json runs = Json::array();
  for (const auto& run : plan.runs) {
    Json values = Json::array();
    for (std::size_t i = 0; i < run.values.size(); ++i) {
      values.push_back({run.values[i].first, run.values[i].second, run.resolved[i]});
    }
    runs.push_back(
        {{"run_id", run.run_id}, {"seed", run.seed}, {"values", values}, {"stages", run.stages}, {"keys", run.keys}});
  }
  Json json = {{"sweep_version", 1},
               {"name", plan.name},
               {"experiment", plan.experiment},
               {"origin", plan.origin.string()},
               {"axes", plan.axes},
               {"text", plan.text},
               {"runs", runs}};
  if (plan.halving) {
    Json rungs = Json::array();
    for (const auto& rung : plan.halving->rungs) rungs.push_back({rung.stage, rung.step});
    json["halving"] = {{"metric", plan.halving->metric},
                       {"higher_is_better", plan.halving->higher_is_better},
                       {"factor", plan.halving->factor},
                       {"rungs", rungs}};
  }
  seal_json(json);
  return json;
}

std::string status_of(const fs::path& record) {
  if (!fs::exists(record)) return "waiting";
  try {
    return RecordReader(record).attribute("status");
  } catch (const std::exception&) {
    return "unreadable";
  }
}

}  // namespace

bool is_sweep(const fs::path& folder) { return fs::exists(folder / "sweep.json"); }

void save_plan(const SweepPlan& plan, const fs::path& folder) {
  create_folders(folder);
  const fs::path path = folder / "sweep.json";
  const std::string text = to_json(plan).dump(1) + "\n";
  if (!fs::exists(path)) {
    write_file_atomically(path, text);
    return;
  }
  const SweepPlan there = load_plan(folder);
  bool same = there.text == plan.text && there.runs.size() == plan.runs.size() && there.halving == plan.halving;
  for (std::size_t i = 0; same && i < plan.runs.size(); ++i) same = there.runs[i].run_id == plan.runs[i].run_id;
  if (!same) {
    throw ConfigError("folder '" + folder.string() +
                      "' holds another sweep; choose another --name, or go on with that one: "
                      "`temper resume " +
                      folder.string() + "`");
  }
  // The same sweep with rebuilt plugins has other keys.
  write_file_atomically(path, text);
}

SweepPlan load_plan(const fs::path& folder) {
  SweepPlan plan;
  try {
    const Json json = Json::parse(read_text_file(folder / "sweep.json"));
    if (json.at("sweep_version") != 1) throw DataError("it is of version " + json.at("sweep_version").dump());
    plan.name = json.at("name");
    plan.experiment = json.at("experiment");
    plan.origin = json.at("origin").get<std::string>();
    plan.axes = json.at("axes").get<std::vector<std::string>>();
    plan.text = json.at("text");
    for (const auto& run : json.at("runs")) {
      PlannedRun one{run.at("run_id"),
                     {},
                     {},
                     run.at("seed"),
                     run.at("stages").get<std::vector<std::string>>(),
                     run.at("keys").get<std::vector<std::string>>()};
      for (const auto& value : run.at("values")) {
        one.values.emplace_back(value.at(0), value.at(1));
        one.resolved.push_back(value.at(value.size() - 1));
      }
      plan.runs.push_back(std::move(one));
    }
    if (json.contains("halving")) {
      const Json& part = json.at("halving");
      Halving halving{part.at("metric"), part.at("higher_is_better"), part.at("factor"), {}};
      for (const auto& rung : part.at("rungs")) halving.rungs.push_back({rung.at(0), rung.at(1)});
      plan.halving = std::move(halving);
    }
  } catch (const nlohmann::json::exception& error) {
    throw DataError("'" + (folder / "sweep.json").string() + "' is no sweep's plan: " + error.what());
  }
  plan_tasks(plan);
  return plan;
}

std::string describe_sweep(const fs::path& folder) {
  const SweepPlan plan = load_plan(folder);
  const SlurmView slurm = view_slurm(folder);
  std::map<std::string, std::size_t> counts;
  std::ostringstream text;
  std::size_t width = 10;
  for (const auto& run : plan.runs) width = std::max(width, run.run_id.size());
  for (const auto& run : plan.runs) {
    const fs::path record = folder / (run.run_id + ".h5");
    const std::string status = status_of(record);
    ++counts[status];
    text << "  " << run.run_id << std::string(width + 2 - run.run_id.size(), ' ') << status;
    for (const auto* tasks : {&slurm.running, &slurm.queued}) {
      if (tasks->count(run.run_id) > 0) text << "  " << tasks->at(run.run_id);
    }
    if (status != "waiting" && status != "unreadable" && status != "complete") {
      const RecordReader reader(record);
      if (status == "stopped") {
        text << "  " << reader.attribute("stopped_because") << "\n";
        continue;
      }
      for (const auto& stage : reader.stage_names()) text << "  " << stage << " " << reader.stage(stage).status;
    }
    text << "\n";
  }
  std::string summary;
  for (const auto& [status, count] : counts) summary += (summary.empty() ? "" : ", ") + std::to_string(count) + " " + status;
  // What the workers said last, and how long tasks took.
  double seconds = 0;
  std::size_t done = 0;
  std::map<std::string, std::string> at_work;
  const bool in_slurm = !slurm.running.empty() || !slurm.queued.empty() || !slurm.error.empty();
  std::ifstream events(folder / "events.jsonl");
  for (std::string line; std::getline(events, line);) {
    const Json event = Json::parse(line, nullptr, false);
    if (event.is_discarded()) continue;
    const std::string task = event.value("task", "");
    if (event.value("event", "") == "start") at_work[task] = event.value("time", "");
    if (event.value("event", "") != "start") at_work.erase(task);
    if (event.value("event", "") == "done") {
      seconds += event.value("seconds", 0.0);
      ++done;
    }
  }
  std::ostringstream head;
  head << plan.name << ": " << plan.runs.size() << " runs (" << summary << "), " << plan.distinct_stages << " distinct of "
       << plan.all_stages << " stages\n";
  if (in_slurm) {
    head << "  in Slurm: " << slurm.running.size() << " tasks running, " << slurm.queued.size() << " queued\n";
    if (!slurm.error.empty()) head << "  Slurm cannot be asked: " << slurm.error << "\n";
    for (const auto& [task, where] : slurm.running) head << "  at work: " << task << "  " << where << "\n";
    at_work.clear();  // what the last command saw may be long ago
  }
  for (const auto& [task, since] : at_work) head << "  at work: " << task << " since " << since << "\n";
  std::vector<bool> left(plan.runs.size(), true);
  if (plan.halving) {
    head << "  halving by " << plan.halving->text() << "\n";
    for (const auto& verdict : load_verdicts(plan, folder)) {
      head << "  " << summary_of(verdict, *plan.halving) << "\n";
      for (const auto& one : verdict.ranked) {
        for (const std::size_t run : one.runs) left[run] = one.goes_on;
      }
    }
  }
  const auto needed = tasks_of(plan, left);
  const auto all = std::max(done, static_cast<std::size_t>(std::count(needed.begin(), needed.end(), true)));
  if (done > 0 && done < all) {
    const double rest = seconds / static_cast<double>(done) * static_cast<double>(all - done);
    head << "  " << done << (plan.halving ? " of at most " : " of ") << all << " tasks done; "
         << (plan.halving ? "at most " : "about ") << format_duration(rest) << " of work left (over all jobs)\n";
  }
  return head.str() + text.str();
}

bool sweep_is_over(const fs::path& folder) {
  const SweepPlan plan = load_plan(folder);
  for (const auto& run : plan.runs) {
    const std::string status = status_of(folder / (run.run_id + ".h5"));
    if (status != "complete" && status != "failed" && status != "diverged" && status != "stopped") return false;
  }
  return true;
}

}  // namespace temper
