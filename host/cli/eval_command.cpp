// `temper eval`: evaluators alone, on a finished model. An experiment that trains nothing is made of the model and of the
// datasets and evaluators given, and run like any other, so that its record can be resumed and compared.
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "host/cli/commands.h"
#include "host/cli/options.h"
#include "host/cli/outcome.h"
#include "host/config/compose.h"
#include "host/config/evaluation.h"
#include "host/config/experiment.h"
#include "host/dist/ranks.h"
#include "host/record/record_reader.h"
#include "host/run/model_store.h"
#include "host/run/run_paths.h"
#include "host/run/runner.h"
#include "temper/error.h"

namespace temper {
namespace po = boost::program_options;
namespace fs = std::filesystem;
namespace {

struct Source {
  std::string text;  ///< an experiment with datasets and evaluators; may be ""
  fs::path origin;   ///< where relative paths in it start, and what names the evaluation
  EvaluationPlan plan;
};

/// A name that experiments accept: what else stands in a folder's name becomes '_'.
std::string stage_name_of(const fs::path& folder) {
  std::string name = folder.filename().empty() ? folder.parent_path().filename().string() : folder.filename().string();
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!good) c = '_';
  }
  return name.empty() ? "model" : name;
}

/// A record's stage brings its experiment and the stages beside it; a folder brings only itself.
Source source_of(const std::string& reference) {
  const fs::path folder = find_checkpoint(reference);
  Source source;
  if (fs::is_directory(reference)) {
    source.plan.evaluated = stage_name_of(fs::absolute(reference).lexically_normal());
    source.plan.stages = {{source.plan.evaluated, folder}};
    source.origin = fs::current_path() / (source.plan.evaluated + ".yaml");
    return source;
  }
  const auto colon = reference.rfind(':');
  const fs::path record = reference.substr(0, colon);
  const RunPaths paths = paths_of_record(record);
  source.plan.evaluated = reference.substr(colon + 1);
  for (const auto& stage : finished_stages(record)) {
    if (stage != source.plan.evaluated) source.plan.stages.emplace_back(stage, paths.final_checkpoint(stage));
  }
  source.plan.stages.emplace_back(source.plan.evaluated, folder);
  const RecordReader reader(record);
  source.origin = reader.attribute("host_experiment_file");
  source.text = config::read_text(paths.folder / "experiment.yaml");
  return source;
}

std::vector<std::string> names_of(const std::string& text) {
  std::vector<std::string> names;
  std::istringstream stream(text);
  for (std::string name; std::getline(stream, name, ',');) {
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

}  // namespace

int eval_command(const std::vector<std::string>& args) {
  po::options_description own;
  own.add_options()("evaluators", po::value<std::string>()->default_value(""),
                    "names a,b of the experiment's evaluators, or plugin ids; all of the experiment's by default")(
      "with", po::value<std::string>(), "experiment whose datasets and evaluators are used; by default the record's own")(
      "set", po::value<std::vector<std::string>>()->composing(),
      "KEY=VALUE, e.g. evaluators.safety.limit=100 or datasets.mine.path=x.jsonl; may be repeated")(
      "seed", po::value<std::uint64_t>(), "seed of sampling and resampling; by default the experiment's")(
      "out", po::value<std::string>()->default_value("results"), "folder for the record")(
      "dry-run", "show every value and where it comes from, run nothing")(
      "no-cache", "compute everything anew, and keep nothing for other runs")(
      "device", po::value<std::string>(), "cpu, cuda or cuda:N; by default the experiment's");
  const auto options = parse_options(args,
                                     {"temper eval MODEL [--evaluators a,b] [--with EXPERIMENT.yaml] [options]",
                                      "Runs evaluators on a finished model: a record's stage (run.h5:sft) or a checkpoint "
                                      "folder. Trains nothing."},
                                     own, 1, 1);
  if (options.help_shown) return 0;
  Source source = source_of(options.positional[0]);
  if (options.has("with")) {
    source.origin = options.get<std::string>("with");
    source.text = config::read_text(source.origin);
  }
  source.plan.evaluators = names_of(options.get<std::string>("evaluators"));
  source.plan.sets = options.list("set");
  const PluginHost host = load_host(options);
  Overrides overrides;
  if (options.has("seed")) overrides.seed = options.get<std::uint64_t>("seed");
  if (options.has("device")) overrides.device = options.get<std::string>("device");
  const Experiment experiment =
      parse_experiment(evaluation_text(source.text, source.origin, source.plan), source.origin, overrides, host.registry);
  if (options.has("dry-run")) {
    std::printf("%s", describe_experiment(experiment).c_str());
    return 0;
  }
  require_one_process("an evaluation");
  TerminalProgress progress(progress_style(options));
  return report_outcome(
      start_run(experiment, host.registry, options.get<std::string>("out"), run_options(options), progress));
}

}  // namespace temper
