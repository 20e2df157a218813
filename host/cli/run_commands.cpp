// `temper run`, `resume`, `status` and `compare`.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <thread>

#include "host/cli/commands.h"
#include "host/cli/options.h"
#include "host/cli/outcome.h"
#include "host/cli/sweep_options.h"
#include "host/compare/compare.h"
#include "host/config/compose.h"
#include "host/config/experiment.h"
#include "host/dist/group.h"
#include "host/dist/launcher.h"
#include "host/record/record_reader.h"
#include "host/run/followers.h"
#include "host/run/memory_plan.h"
#include "host/run/runner.h"
#include "host/sweep/sweep.h"
#include "host/util/cancel.h"
#include "host/util/files.h"
#include "temper/error.h"

namespace temper {
namespace po = boost::program_options;
namespace fs = std::filesystem;
namespace {

bool has_evaluations(const fs::path& record) {
  const RecordReader reader(record);
  const auto stages = reader.stage_names();
  return std::any_of(stages.begin(), stages.end(), [&](const auto& name) { return !reader.evaluators(name).empty(); });
}

void add_rank_options(po::options_description& own) {
  own.add_options()("nproc", po::value<int>(), "compute with this many processes on this machine")(
      "rank-timeout", po::value<std::int64_t>()->default_value(600),
      "of many processes: seconds that one may keep the others waiting")(
      "profile", po::value<std::string>(),
      "folder for a trace of five training steps of each stage and process; opens in Perfetto and chrome://tracing");
}

/// The command line without --nproc: what each rank is started with.
std::vector<std::string> without_nproc(const std::vector<std::string>& args) {
  std::vector<std::string> rest;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--nproc") {
      ++i;
    } else if (args[i].rfind("--nproc=", 0) != 0) {
      rest.push_back(args[i]);
    }
  }
  return rest;
}

/// Of the sweeps among `targets`, joined by commas.
std::string axes_of(const std::vector<std::string>& targets) {
  std::vector<std::string> axes;
  for (const auto& target : targets) {
    if (!is_sweep(target)) continue;
    for (const auto& axis : load_plan(target).axes) {
      if (std::find(axes.begin(), axes.end(), axis) == axes.end()) axes.push_back(axis);
    }
  }
  std::string joined;
  for (const auto& axis : axes) joined += (joined.empty() ? "" : ",") + axis;
  if (joined.empty()) throw ConfigError("--effects needs axes: name the folder of a sweep, or keys with --by KEY,KEY");
  return joined;
}

int launch(const std::string& command, const std::vector<std::string>& args, const ParsedOptions& options) {
  if (const auto ranks = ranks_from_environment()) {
    throw ConfigError("--nproc starts the processes itself, but the environment (" + ranks->launcher +
                      ") says that this is one of " + std::to_string(ranks->world_size) +
                      " already; leave one of the two out");
  }
  std::vector<std::string> rest = without_nproc(args);
  rest.insert(rest.begin(), command);
  return launch_ranks(options.get<int>("nproc"), rest);
}

/// Does `lead` alone, or as rank 0 of many while the other ranks follow through its `runs` runs. `own`: see follow().
int alone_or_together(const ParsedOptions& options, const PluginHost& host, const Experiment* own, std::size_t runs,
                      const std::function<int(Group*)>& lead) {
  const auto ranks = ranks_from_environment();
  if (!ranks) return lead(nullptr);
  GroupOptions how;
  how.timeout = std::chrono::seconds(options.get<std::int64_t>("rank-timeout"));
  if (how.timeout.count() < 1) throw ConfigError("--rank-timeout must be at least 1 (seconds)");
  Group group(*ranks, how);
  try {
    int code = 0;
    if (ranks->rank == 0) {
      code = lead(&group);
    } else {
      for (std::size_t i = 0; i < runs; ++i) follow(group, own, host.registry);
    }
    group.leave();
    return code;
  } catch (const Cancelled&) {
    group.leave();
    throw;
  } catch (const std::exception& error) {
    group.fail(error.what());
    throw;
  }
}

}  // namespace

RunOptions run_options(const ParsedOptions& options, Group* group) {
  RunOptions run;
  run.group = group;
  run.use_cache = !options.has("no-cache");
  if (options.has("only")) run.only = options.get<std::string>("only");
  if (options.has("until")) run.until = options.get<std::int64_t>("until");
  if (run.until < 0) throw ConfigError("--until must be a step of the stage, 1 or more");
  if (run.until > 0 && run.only.empty()) throw ConfigError("--until is a step of the stage that --only names");
  if (run.until > 0 && group != nullptr) throw ConfigError("--until is for a run of one process");
  if (options.has("profile")) run.profile = fs::absolute(options.get<std::string>("profile"));
  if (options.has("cache")) run.cache = options.get<std::string>("cache");
  return run;
}

int report_outcome(const RunOutcome& outcome) {
  if (outcome.complete && has_evaluations(outcome.record)) {
    std::printf("%s\n", compare_records({outcome.record}, {}).c_str());
  }
  std::printf("record:      %s\ncheckpoints: %s\n", outcome.record.c_str(), outcome.folder.c_str());
  if (outcome.complete) return 0;
  std::fprintf(stderr, "temper: %s\n", outcome.summary.c_str());
  return 1;
}

int run_command(const std::vector<std::string>& args) {
  po::options_description own;
  own.add_options()("set", po::value<std::vector<std::string>>()->composing(),
                    "KEY=VALUE, e.g. stages.sft.steps=100; may be repeated")(
      "seed", po::value<std::uint64_t>(), "seed of the run; the same seed gives the same bits")(
      "out", po::value<std::string>()->default_value("results"), "folder for records, checkpoints and caches")(
      "device", po::value<std::string>(), "cpu, cuda or cuda:N")(
      "dry-run", "show every value, where it comes from, and the memory it will take; run nothing")(
      "no-cache", "compute everything anew, and keep nothing for other runs")(
      "record", po::value<std::string>(), "write exactly this record, or go on with it if it is there")(
      "only", po::value<std::string>()->default_value(""), "do this stage and what it builds on, and leave the rest")(
      "until", po::value<std::int64_t>()->default_value(0), "of that stage, do no more than this many steps now")(
      "cache", po::value<std::string>()->default_value(""), "folder of what runs share; by default OUT/cache")(
      "origin", po::value<std::string>(), "take the experiment as if it lay here: for relative paths and names");
  add_rank_options(own);
  const auto options = parse_options(args,
                                     {"temper run EXPERIMENT.yaml [options]",
                                      "Trains the stages of an experiment in order, evaluates each, and writes one record."},
                                     own, 1, 1);
  if (options.help_shown) return 0;
  if (options.has("nproc") && !options.has("dry-run")) return launch("run", args, options);
  const PluginHost host = load_host(options);
  Overrides overrides;
  overrides.sets = options.list("set");
  if (options.has("seed")) overrides.seed = options.get<std::uint64_t>("seed");
  if (options.has("device")) overrides.device = options.get<std::string>("device");
  // A sweep's workers run a copy of the text; relative paths start where the original lies.
  const fs::path file = options.positional[0];
  const fs::path origin = options.has("origin") ? fs::path(options.get<std::string>("origin")) : file;
  const Experiment experiment = parse_experiment(config::read_text(file), origin, overrides, host.registry);
  if (options.has("dry-run")) {
    const int ranks = options.has("nproc") ? options.get<int>("nproc") : 1;
    std::printf("%s%s", describe_experiment(experiment).c_str(),
                describe_memory(plan_memory(experiment, host.registry, ranks), ranks).c_str());
    return 0;
  }
  return alone_or_together(options, host, &experiment, 1, [&](Group* group) {
    TerminalProgress progress(progress_style(options));
    const RunOptions how = run_options(options, group);
    return report_outcome(options.has("record")
                              ? run_at(experiment, host.registry, options.get<std::string>("record"), how, progress)
                              : start_run(experiment, host.registry, options.get<std::string>("out"), how, progress));
  });
}

int resume_command(const std::vector<std::string>& args) {
  po::options_description own;
  own.add_options()("no-cache", "take nothing from other runs, and keep nothing for them; runs of one sweep still share");
  add_sweep_options(own);
  add_rank_options(own);
  const auto options = parse_options(
      args,
      {"temper resume RECORD.h5|FOLDER|SWEEP",
       "Goes on with a run, with every unfinished run of a folder, or with a sweep, exactly where it stopped."},
      own, 1, 1);
  if (options.help_shown) return 0;
  std::vector<fs::path> records;
  const fs::path target = options.positional[0];
  if (is_sweep(target)) {
    require_one_process("a sweep");
    if (options.has("nproc")) throw ConfigError("--nproc is for a run; the tasks of a sweep have one process each");
    return go_on_with_sweep(target, options);
  }
  if (fs::is_directory(target)) {
    records = files_in(target, ".h5");
    if (records.empty()) throw DataError("folder '" + target.string() + "' holds no record (*.h5)");
  } else {
    records.push_back(target);
  }
  if (options.has("nproc")) return launch("resume", args, options);
  const PluginHost host = load_host(options);
  return alone_or_together(options, host, nullptr, records.size(), [&](Group* group) {
    TerminalProgress progress(progress_style(options));
    const RunOptions how = run_options(options, group);
    int code = 0;
    for (const auto& record : records)
      code = std::max(code, report_outcome(resume_run(record, host.registry, how, progress)));
    return code;
  });
}

int status_command(const std::vector<std::string>& args) {
  po::options_description own;
  own.add_options()("watch", "show it again every two seconds until all is done");
  const auto options = parse_options(
      args, {"temper status RECORD.h5|SWEEP...", "Shows what each run or sweep has done so far."}, own, 1, 100000);
  if (options.help_shown) return 0;
  while (true) {
    std::string text;
    bool over = true;
    for (const auto& target : options.positional) {
      const bool sweep = is_sweep(target);
      text += sweep ? describe_sweep(target) : describe_status(target);
      const std::string status = sweep ? "" : RecordReader(target).attribute("status");
      over &= sweep ? sweep_is_over(target) : status != "running";
    }
    const bool watch = options.has("watch");
    std::printf("%s%s", watch && isatty(STDOUT_FILENO) != 0 ? "\033[H\033[2J" : "", text.c_str());
    std::fflush(stdout);
    if (!watch || over || cancel_requested()) return 0;
    std::this_thread::sleep_for(std::chrono::seconds(2));
  }
}

int compare_command(const std::vector<std::string>& args) {
  po::options_description own;
  own.add_options()("by", po::value<std::string>()->default_value("stage"),
                    "columns: stage, run, or a key such as stages.sft.steps, or several joined by commas")(
      "baseline", po::value<std::string>()->default_value(""),
      "column that the others are compared with; the first by default")(
      "format", po::value<std::string>()->default_value("table"), "table, md, csv, latex or json")(
      "metric", po::value<std::string>()->default_value(""), "only metrics whose name matches this expression")(
      "intersect", "compare the items that all columns share instead of refusing different sets")(
      "flips", "show which items each column gained, lost and kept against the baseline, with the texts")(
      "max-flips", po::value<std::int64_t>()->default_value(5), "texts that --flips shows of each kind")(
      "tax", "show which abilities each stage lost and gained over the stage it builds on (the alignment tax)")(
      "effects",
      "show the effect of each axis of a sweep (or of the keys of --by) and how each two interact, with intervals over "
      "items and seeds");
  const auto options =
      parse_options(args,
                    {"temper compare RECORD.h5|FOLDER... [options]",
                     "Compares stages and runs: values with intervals, paired differences, corrected p values."},
                    own, 1, 100000);
  if (options.help_shown) return 0;
  CompareOptions compare;
  compare.by = options.get<std::string>("by");
  compare.baseline = options.get<std::string>("baseline");
  compare.format = options.get<std::string>("format");
  compare.metric = options.get<std::string>("metric");
  compare.intersect = options.has("intersect");
  std::vector<std::string> views;
  for (const std::string view : {"flips", "tax", "effects"}) {
    if (options.has(view)) views.push_back(view);
  }
  if (views.size() > 1) {
    throw ConfigError("--" + views[0] + " and --" + views[1] + " are two views; ask for one of them");
  }
  if (options.has("flips")) compare.view = CompareView::kFlips;
  if (options.has("tax")) compare.view = CompareView::kTax;
  if (options.has("effects")) {
    compare.view = CompareView::kEffects;
    if (options.values["by"].defaulted()) compare.by = axes_of(options.positional);
  }
  compare.max_flips = options.get<std::int64_t>("max-flips");
  std::vector<fs::path> records;
  for (const auto& target : options.positional) {
    if (!fs::is_directory(target)) {
      records.emplace_back(target);
      continue;
    }
    const auto found = files_in(target, ".h5");
    records.insert(records.end(), found.begin(), found.end());
  }
  std::sort(records.begin(), records.end());
  std::printf("%s\n", compare_records(records, compare).c_str());
  return 0;
}

}  // namespace temper
