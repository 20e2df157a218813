// `temper sweep`: many runs of one experiment, what they share computed once.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "host/cli/commands.h"
#include "host/cli/sweep_options.h"
#include "host/compare/compare.h"
#include "host/config/compose.h"
#include "host/dist/ranks.h"
#include "host/sweep/cost.h"
#include "host/sweep/plan.h"
#include "host/sweep/slurm_queue.h"
#include "host/util/cores.h"
#include "host/util/split.h"
#include "temper/error.h"

namespace temper {
namespace po = boost::program_options;
namespace fs = std::filesystem;
namespace {

SweepSpec spec_of(const ParsedOptions& options) {
  SweepSpec spec;
  for (const auto& text : options.list("vary")) spec.axes.push_back(parse_axis(text));
  for (const auto& text : options.list("zip")) spec.zips.push_back(split(text, ','));
  for (const auto& text : options.list("cell")) spec.list.push_back(parse_assignments(text, "--cell"));
  for (const auto& text : options.list("exclude")) spec.excludes.push_back(parse_assignments(text, "--exclude"));
  if (options.has("seeds")) spec.seeds = parse_seeds(options.get<std::string>("seeds"), "--seeds");
  spec.draws = options.get<std::int64_t>("draws");
  const std::string rungs = options.get<std::string>("halving-rungs");
  if (!options.has("halving")) {
    if (!rungs.empty()) throw ConfigError("--halving-rungs is for --halving METRIC:max or METRIC:min");
  } else if (options.get<std::string>("halving") == "none") {
    spec.halving = Halving{};
  } else {
    spec.halving = parse_halving(options.get<std::string>("halving"), rungs, options.get<std::int64_t>("halving-factor"));
  }
  return spec;
}

/// The plan as people check it before they start it.
void describe_plan(const SweepPlan& plan, const SweepOptions& options, const fs::path& out, const Registry& registry) {
  std::printf("sweep %s: %zu runs, %zu distinct of %zu stages, %zu tasks, ", plan.name.c_str(), plan.runs.size(),
              plan.distinct_stages, plan.all_stages, plan.tasks.size());
  if (options.slurm) {
    std::printf("in Slurm with %d CPUs each\n", options.slurm->cpus);
  } else {
    std::printf("%d at once with %d threads each\n", options.local.jobs, options.local.threads);
  }
  CostForecast cost;
  try {
    cost = forecast_cost(plan, registry, options.use_cache ? out / "cache" : out / plan.name / "work" / "cache");
    std::printf("%s\n", describe_cost(cost, options.slurm ? 1 : options.local.jobs).c_str());
  } catch (const DataError& error) {
    std::printf("what is in the cache is not known: %s\n", error.what());
  }
  for (const auto& note : plan.notes) std::printf("note: %s\n", note.c_str());
  if (plan.halving) {
    std::printf("halving by %s\n", plan.halving->text().c_str());
    const HalvingForecast expected = forecast(plan);
    for (std::size_t i = 0; i < expected.contenders.size(); ++i) {
      std::printf("  rung %s: of up to %zu cells up to %zu go on\n", plan.halving->rungs[i].text().c_str(),
                  expected.contenders[i], expected.go_on[i]);
    }
    std::printf("  up to %zu of %zu runs come to their end\n", expected.runs_at_end, plan.runs.size());
  }
  std::set<std::string> seen;
  for (const auto& run : plan.runs) {
    std::string line = "  " + run.run_id;
    for (std::size_t s = 0; s < run.stages.size(); ++s) {
      const bool first = run.keys[s].empty() || seen.insert(run.keys[s]).second;
      const bool cached = cost.cached.count(run.keys[s]) > 0;
      line += "  " + run.stages[s] + (run.keys[s].empty() ? " (there)" : cached ? " (cached)" : first ? "" : " (shared)");
    }
    std::printf("%s\n", line.c_str());
  }
}

}  // namespace

void add_sweep_options(po::options_description& own) {
  own.add_options()("jobs", po::value<int>(),
                    "tasks at once (1), the cores are divided among them; with Slurm, of each job array (no limit)")(
      "retry", po::value<int>()->default_value(0), "tries again that a failed stage gets")(
      "timeout", po::value<double>()->default_value(0), "seconds after which a stage counts as hanging; 0 is never")(
      "keep-going", "go on with what does not need a failed stage (the default)")("fail-fast",
                                                                                  "stop everything at the first failure")(
      "launcher", po::value<std::string>(), "local (the default) or slurm; a resumed sweep stays where it was")(
      "slurm-partition", po::value<std::string>(), "partition of the jobs")("slurm-account", po::value<std::string>(),
                                                                            "account of the jobs")(
      "slurm-time", po::value<std::string>(), "time limit of a task, as sbatch takes it: 90 (minutes) or 1-12:00:00")(
      "slurm-mem", po::value<std::string>(), "memory of a task: 8G")(
      "slurm-cpus", po::value<int>(), "CPUs and threads of a task; by default the experiment's threads, or 1")(
      "slurm-arg", po::value<std::vector<std::string>>()->composing(),
      "any other option of sbatch, NAME or NAME=VALUE; may be repeated");
}

namespace {

/// Of the command line, where it says nothing those of `before`; nothing if the sweep is to run here.
std::optional<SlurmOptions> slurm_options(const ParsedOptions& options, const std::optional<SlurmOptions>& before) {
  const std::string launcher = options.has("launcher") ? options.get<std::string>("launcher") : before ? "slurm" : "local";
  if (launcher != "local" && launcher != "slurm") throw ConfigError("--launcher " + launcher + ": must be local or slurm");
  if (launcher == "local") {
    for (const char* name : {"slurm-partition", "slurm-account", "slurm-time", "slurm-mem", "slurm-cpus", "slurm-arg"}) {
      if (options.has(name)) throw ConfigError(std::string("--") + name + " is for --launcher slurm");
    }
    return std::nullopt;
  }
  SlurmOptions slurm = before.value_or(SlurmOptions{});
  const auto take = [&](const char* name, auto& into) {
    if (options.has(name)) into = options.get<std::decay_t<decltype(into)>>(name);
  };
  take("slurm-partition", slurm.partition);
  take("slurm-account", slurm.account);
  take("slurm-time", slurm.time);
  take("slurm-mem", slurm.memory);
  take("slurm-cpus", slurm.cpus);
  take("slurm-arg", slurm.args);
  take("jobs", slurm.jobs);
  if (slurm.cpus < 1 || slurm.cpus > 4096) throw ConfigError("--slurm-cpus must be from 1 to 4096");
  const double timeout = options.get<double>("timeout");
  if (timeout > 0) {
    if (options.has("slurm-time")) throw ConfigError("--timeout and --slurm-time say the same; leave one of them out");
    slurm.time = std::to_string(static_cast<long long>(std::ceil(timeout / 60)));  // Slurm counts in minutes
  }
  site_words(slurm);  // refuses what it cannot take
  return slurm;
}

}  // namespace

SweepOptions sweep_options(const ParsedOptions& options, const std::optional<SlurmOptions>& before) {
  SweepOptions sweep;
  if (options.has("jobs")) sweep.local.jobs = options.get<int>("jobs");
  if (sweep.local.jobs < 1 || sweep.local.jobs > 1000) throw ConfigError("--jobs must be from 1 to 1000");
  sweep.retries = options.get<int>("retry");
  if (sweep.retries < 0) throw ConfigError("--retry must be 0 or more");
  sweep.local.timeout_s = options.get<double>("timeout");
  sweep.fail_fast = options.has("fail-fast");
  if (sweep.fail_fast && options.has("keep-going")) throw ConfigError("--keep-going and --fail-fast exclude each other");
  sweep.local.threads = std::max(1, cores() / sweep.local.jobs);
  sweep.slurm = slurm_options(options, before);
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
  const std::string stopped = outcome.stopped == 0 ? "" : ", " + std::to_string(outcome.stopped) + " stopped by halving";
  std::printf("sweep: %s  (%zu of %zu runs complete%s)\n", outcome.folder.c_str(), outcome.complete, outcome.all,
              stopped.c_str());
  if (outcome.failed == 0) return 0;
  std::fprintf(stderr,
               "temper: %zu of %zu runs are not complete; `temper status %s` shows which, `temper resume %s` tries again\n",
               outcome.failed, outcome.all, outcome.folder.c_str(), outcome.folder.c_str());
  return 1;
}

int go_on_with_sweep(const fs::path& folder, const ParsedOptions& options) {
  const SweepPlan plan = load_plan(folder);
  const SweepOptions sweep = sweep_options(options, slurm_options_of(folder));
  TerminalProgress progress(progress_style(options));
  return report_sweep(plan, run_sweep(plan, folder, sweep, progress));
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
      "halving", po::value<std::string>(),
      "METRIC:max or METRIC:min: stop cells early that are behind by this metric at the rungs; none for no halving")(
      "halving-rungs", po::value<std::string>()->default_value(""),
      "STAGE@STEP,STAGE: where cells are judged, at steps of stages or when a stage is complete")(
      "halving-factor", po::value<std::int64_t>()->default_value(3), "of so many cells one goes on")(
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
  require_one_process("a sweep");
  SweepOptions sweep = sweep_options(options, std::nullopt);
  const PluginHost host = load_host(options);
  const SweepPlan plan =
      plan_sweep({options.positional[0], options.list("set"), spec_of(options),
                  sweep.slurm ? sweep.slurm->cpus : sweep.local.threads, options.get<std::string>("name")},
                 host.registry);
  if (sweep.slurm && !options.has("slurm-cpus")) sweep.slurm->cpus = static_cast<int>(plan.threads);
  if (options.has("dry-run")) {
    describe_plan(plan, sweep, options.get<std::string>("out"), host.registry);
    return 0;
  }
  if (sweep.slurm) require_slurm();  // before anything is written
  const fs::path folder = fs::path(options.get<std::string>("out")) / plan.name;
  save_plan(plan, folder);
  TerminalProgress progress(progress_style(options));
  for (const auto& note : plan.notes) progress.say("note: " + note);
  return report_sweep(plan, run_sweep(plan, folder, sweep, progress));
}

}  // namespace temper
