// `temper sweep`: many runs of one experiment, what they share computed once.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <set>
#include <thread>

#include "host/cli/commands.h"
#include "host/cli/sweep_options.h"
#include "host/compare/compare.h"
#include "host/config/compose.h"
#include "host/run/stage_cache.h"
#include "host/sweep/plan.h"
#include "temper/error.h"

namespace temper {
namespace po = boost::program_options;
namespace fs = std::filesystem;
namespace {

int cores() { return static_cast<int>(std::max(1U, std::thread::hardware_concurrency())); }

SweepSpec spec_of(const ParsedOptions& options) {
  SweepSpec spec;
  for (const auto& text : options.list("vary")) spec.axes.push_back(parse_axis(text));
  for (const auto& text : options.list("zip")) {
    std::vector<std::string> keys{""};
    for (const char c : text) {
      if (c == ',') {
        keys.emplace_back();
      } else {
        keys.back() += c;
      }
    }
    spec.zips.push_back(std::move(keys));
  }
  for (const auto& text : options.list("cell")) spec.list.push_back(parse_assignments(text, "--cell"));
  for (const auto& text : options.list("exclude")) spec.excludes.push_back(parse_assignments(text, "--exclude"));
  if (options.has("seeds")) spec.seeds = parse_seeds(options.get<std::string>("seeds"), "--seeds");
  spec.draws = options.get<std::int64_t>("draws");
  return spec;
}

/// The plan as people check it before they start it.
void describe_plan(const SweepPlan& plan, const SweepOptions& options) {
  std::printf("sweep %s: %zu runs, %zu distinct of %zu stages, %zu tasks, %d at once with %d threads each\n",
              plan.name.c_str(), plan.runs.size(), plan.distinct_stages, plan.all_stages, plan.tasks.size(), options.jobs,
              options.threads);
  for (const auto& note : plan.notes) std::printf("note: %s\n", note.c_str());
  std::set<std::string> seen;
  for (const auto& run : plan.runs) {
    std::string line = "  " + run.run_id;
    for (std::size_t s = 0; s < run.stages.size(); ++s) {
      const bool first = run.keys[s].empty() || seen.insert(run.keys[s]).second;
      line += "  " + run.stages[s] + (run.keys[s].empty() ? " (there)" : first ? "" : " (shared)");
    }
    std::printf("%s\n", line.c_str());
  }
}

}  // namespace

void add_sweep_options(po::options_description& own) {
  own.add_options()("jobs", po::value<int>()->default_value(1), "runs at once; cores are divided among them")(
      "retry", po::value<int>()->default_value(0), "tries again that a failed stage gets")(
      "timeout", po::value<double>()->default_value(0), "seconds after which a stage counts as hanging; 0 is never")(
      "keep-going", "go on with what does not need a failed stage (the default)")("fail-fast",
                                                                                  "stop everything at the first failure");
}

SweepOptions sweep_options(const ParsedOptions& options) {
  SweepOptions sweep;
  sweep.jobs = options.get<int>("jobs");
  if (sweep.jobs < 1 || sweep.jobs > 1000) throw ConfigError("--jobs must be from 1 to 1000");
  sweep.retries = options.get<int>("retry");
  if (sweep.retries < 0) throw ConfigError("--retry must be 0 or more");
  sweep.timeout_s = options.get<double>("timeout");
  sweep.fail_fast = options.has("fail-fast");
  if (sweep.fail_fast && options.has("keep-going")) throw ConfigError("--keep-going and --fail-fast exclude each other");
  sweep.threads = std::max(1, cores() / sweep.jobs);
  sweep.use_cache = !options.has("no-cache");
  for (const auto& path : options.list("plugin-path")) {
    sweep.worker_args.push_back("--plugin-path");
    sweep.worker_args.push_back(path);
  }
  return sweep;
}

int report_sweep(const SweepPlan& plan, const SweepOutcome& outcome) {
  if (!outcome.records.empty()) {
    CompareOptions compare;
    if (!plan.axes.empty()) compare.by.clear();
    for (const auto& key : plan.axes) compare.by += (compare.by.empty() ? "" : ",") + key;
    try {
      std::printf("%s\n", compare_records(outcome.records, compare).c_str());
    } catch (const Error& error) {
      std::printf("no comparison: %s\n", error.what());
    }
  }
  std::printf("sweep: %s  (%zu of %zu runs complete)\n", outcome.folder.c_str(), outcome.complete, outcome.all);
  if (outcome.complete == outcome.all) return 0;
  std::fprintf(stderr,
               "temper: %zu of %zu runs are not complete; `temper status %s` shows which, `temper resume %s` tries again\n",
               outcome.failed, outcome.all, outcome.folder.c_str(), outcome.folder.c_str());
  return 1;
}

int go_on_with_sweep(const fs::path& folder, const ParsedOptions& options) {
  const SweepPlan plan = load_plan(folder);
  TerminalProgress progress(progress_style(options));
  return report_sweep(plan, run_sweep(plan, folder, sweep_options(options), progress));
}

int sweep_command(const std::vector<std::string>& args) {
  using Texts = std::vector<std::string>;
  po::options_description own;
  own.add_options()("vary", po::value<Texts>()->composing(),
                    "KEY=a,b,c, KEY=uniform(0,1), KEY=log_uniform(1e-5,1e-3) or KEY=choice(a,b); several are crossed")(
      "zip", po::value<Texts>()->composing(), "KEY,KEY: these axes run in step")(
      "cell", po::value<Texts>()->composing(), "KEY=a,KEY=b: one cell of a list, crossed with the axes")(
      "exclude", po::value<Texts>()->composing(), "KEY=a,KEY=b: leave out cells that have all of these")(
      "seeds", po::value<std::string>(), "1..5 or 1,2,3; by default the experiment's one seed")(
      "draws", po::value<std::int64_t>()->default_value(0), "how often random axes are drawn")(
      "set", po::value<Texts>()->composing(), "KEY=VALUE for all runs; may be repeated")(
      "name", po::value<std::string>()->default_value(""), "name of the sweep; by default made of experiment and cells")(
      "out", po::value<std::string>()->default_value("results"), "folder for records, checkpoints and caches")(
      "dry-run", "show runs and stages, run nothing")("no-cache",
                                                      "take no stage from earlier runs and keep none for later ones; what "
                                                      "the sweep's own runs share is still computed once. "
                                                      "Complete runs of the sweep stay, and resuming it keeps to this");
  add_sweep_options(own);
  const auto options =
      parse_options(args,
                    {"temper sweep EXPERIMENT.yaml --vary KEY=a,b [options]",
                     "Runs an experiment for every combination of values and seeds. A stage that several runs "
                     "share is computed once. The same sweep again goes on where it stopped."},
                    own, 1, 1);
  if (options.help_shown) return 0;
  const SweepOptions sweep = sweep_options(options);
  const PluginHost host = load_host(options);
  const SweepPlan plan = plan_sweep(
      {options.positional[0], options.list("set"), spec_of(options), sweep.threads, options.get<std::string>("name")},
      host.registry);
  if (options.has("dry-run")) {
    describe_plan(plan, sweep);
    return 0;
  }
  const fs::path folder = fs::path(options.get<std::string>("out")) / plan.name;
  save_plan(plan, folder);
  TerminalProgress progress(progress_style(options));
  for (const auto& note : plan.notes) progress.say("note: " + note);
  return report_sweep(plan, run_sweep(plan, folder, sweep, progress));
}

}  // namespace temper
