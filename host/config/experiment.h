// An experiment: the YAML file, its includes and the command line turned into complete, checked values, each knowing where
// it came from. Every mistake is a ConfigError with file and line (DataError if the file itself cannot be read).
// Called by the CLI (run, sweep, resume) and host/run; plugins are made from the slots elsewhere.
//
//   Format          experiments/*.yaml; `include` merges other files in first, the including file wins key by key.
//   Relative paths  in parameters start at `base_dir`, the folder of the file given by the user, in included files too.
//   Models          either `model`, or `models` by name, of which each stage with fresh weights names one (`model: NAME`).
//                   A model or tokenizer `{checkpoint: DIR}` is that of a checkpoint folder, an imported one for instance.
//   Stages          `NAME: {checkpoint: DIR}` is a stage that is there already: nothing is trained, evaluators and later
//   stages
//                   use it. Without `model` and `tokenizer`, those of the first such stage are taken.
//   Corpus          `corpus: {filters: [a, b], a: {...}, data: [...]}` cleans documents, by default of every dataset.
//   Order of truth  default < included file < file < --set (later wins) < --seed, --device.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/plugin/catalog.h"
#include "temper/params.h"

namespace temper {
namespace config {
struct YamlNode;
}

/// A stage that a slot builds on: the parameter that names it ("from", "reward") and the stage's name.
struct StageLink {
  std::string param, stage;
};

/// One plugin of the experiment with its values, complete and checked. Parameters of a nested plugin slot `objective` are
/// "objective.NAME", and "objective" itself is the plugin's id.
struct SlotConfig {
  std::string name;    ///< "model", "tokenizer", or the user's name of the model, dataset, stage or evaluator
  std::string kind;    ///< "architecture", "tokenizer", "dataset", "stage", "evaluator"
  std::string plugin;  ///< the plugin's id
  ParamValues values;
  std::vector<StageLink> parents = {};     ///< kStage parameters that name a stage
  std::vector<std::string> datasets = {};  ///< all that kDatasets parameters name, each once
  /// Model, tokenizer and stages may come from a checkpoint folder (`checkpoint: DIR`), which then says plugin and values.
  /// A stage's plugin is then "checkpoint", which is no plugin.
  std::string checkpoint = {}, checkpoint_sha256 = {};
};

struct StageConfig : SlotConfig {
  /// Which of `models` it trains: as written, or its first parent's. Empty where the experiment has one `model`.
  std::string model = {};
};

struct EvaluatorConfig : SlotConfig {
  std::vector<std::string> after = {};  ///< in stage order; empty: after every stage
};

/// Filters that the documents of some datasets go through, all of them as one corpus, before anything learns from them.
struct CorpusConfig {
  std::vector<std::string> data;    ///< datasets; those that yield no documents are left as they are
  std::vector<SlotConfig> filters;  ///< in their order; empty: nothing is cleaned
};

struct ResolvedEntry {
  std::string key;     ///< "stages.sft.learning_rate"
  std::string value;   ///< as to_text() gives it
  std::string source;  ///< as to_string(ValueSource) gives it
  std::string where;   ///< "quickstart.yaml:12", "--set", "--seed"; empty for a default
};

struct Experiment {
  std::string name, description;
  std::uint64_t seed = 1;
  std::string device = "cpu";
  std::int64_t threads = 0;  ///< 0: all cores
  double validation_fraction = 0.05;
  SlotConfig model;                ///< the one model of all stages; its plugin is empty where there are `models`
  std::vector<SlotConfig> models;  ///< several, by name; empty where there is `model`
  SlotConfig tokenizer;
  std::vector<SlotConfig> datasets;
  CorpusConfig corpus;
  std::vector<StageConfig> stages;  ///< in the order they run
  std::vector<EvaluatorConfig> evaluators;
  std::vector<ResolvedEntry> resolved;
  /// The file as written; with includes, their merged text instead. Does not hold the command line's values.
  std::string source_text;
  /// Files and command line merged: parse_experiment(effective_text, path, {}, catalog) gives equal values. For resume.
  std::string effective_text;
  std::filesystem::path base_dir, path;
};

/// The architecture that a stage trains.
const SlotConfig& model_of(const Experiment& experiment, const StageConfig& stage);

struct Overrides {
  std::vector<std::string> sets;  ///< "stages.ppo.kl_coef=0.1"
  std::optional<std::uint64_t> seed;
  std::optional<std::string> device;
};

Experiment load_experiment(const std::filesystem::path& path, const Overrides& overrides, const PluginCatalog& catalog);

/// `origin` is the file the text came from: for messages, relative paths and the default name; it need not exist.
Experiment parse_experiment(const std::string& yaml_text, const std::filesystem::path& origin, const Overrides& overrides,
                            const PluginCatalog& catalog);

/// The same of a composed tree (compose.h), into which the overrides are written; makes neither of the two texts. For many
/// variants of one experiment.
Experiment resolve_experiment(config::YamlNode& tree, const std::filesystem::path& origin, const Overrides& overrides,
                              const PluginCatalog& catalog);

/// What each of so many processes of a machine computes with: what the experiment says, or an equal share of the cores.
int threads_of(const Experiment& experiment, int processes = 1);

/// For `temper run --dry-run`: the stages in order, then every key with its value and source.
std::string describe_experiment(const Experiment& experiment);

/// Identity of what is computed: SHA-256 over seed, device and all values, whatever their order and spelling and whether
/// defaults are written or omitted. Name, description and threads are not part of it, nor what files contain.
std::string resolved_hash(const Experiment& experiment);

}  // namespace temper
