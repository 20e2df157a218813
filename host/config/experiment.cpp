// Reads an experiment top down: the top-level values, then model, tokenizer, datasets, stages, evaluators, each slot seeing
// only what comes before it.
#include "host/config/experiment.h"

#include <c10/core/Device.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <utility>

#include "host/config/compose.h"
#include "host/config/resolve.h"
#include "host/config/yaml_write.h"
#include "host/train/checkpoint.h"
#include "host/util/cores.h"
#include "temper/error.h"

namespace temper {
namespace {

using config::fail;
using config::Place;
using config::YamlKind;
using config::YamlNode;

ParamSpec top_spec(std::string name, ParamType type, ParamValue value, std::string doc) {
  ParamSpec spec;
  spec.name = std::move(name);
  spec.type = type;
  spec.default_value = std::move(value);
  spec.doc = std::move(doc);
  return spec;
}

struct TopSpecs {
  ParamSpec experiment, description, seed, device, threads, validation_fraction;
};

TopSpecs top_specs(const std::string& default_name) {
  TopSpecs specs{
      top_spec("experiment", ParamType::kText, default_name,
               "Name of the experiment; its records lie in a folder of that name."),
      top_spec("description", ParamType::kText, std::string(), "What the experiment asks, for people."),
      top_spec("seed", ParamType::kInt, std::int64_t{1}, "The one seed from which all randomness is derived."),
      top_spec("device", ParamType::kText, std::string("cpu"), "Where tensors live: cpu, cuda, or cuda:N for GPU number N."),
      top_spec("threads", ParamType::kInt, std::int64_t{0}, "CPU threads; 0 uses all cores."),
      top_spec("validation_fraction", ParamType::kFloat, 0.05, "Share of documents held out for validation."),
  };
  specs.seed.min = 0;
  specs.threads.min = 0;
  specs.threads.max = 4096;
  specs.validation_fraction.min = 0;
  specs.validation_fraction.max = 0.9;
  return specs;
}

const std::vector<std::string>& top_keys() {
  static const std::vector<std::string> keys{
      "experiment", "description", "include", "seed",       "device", "threads", "validation_fraction", "model", "models",
      "tokenizer",  "datasets",    "stages",  "evaluators", "corpus", "sweep"};
  return keys;
}

void check_name(const std::string& name, const std::string& what, const Place& place) {
  const bool good = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  if (!good) fail(place, what + " '" + name + "' is not a usable name: only a-z, 0-9, '_' and '-' are allowed");
}

/// Whether LibTorch knows such a device; whether it is here is seen when it is opened.
bool is_device(const std::string& name) {
  try {
    return !c10::Device(name).is_meta();
  } catch (const c10::Error&) {
    return false;
  }
}

std::vector<std::string> section_names(const YamlNode* section, const std::string& key) {
  std::vector<std::string> names;
  if (section == nullptr || section->kind == YamlKind::kNull) return names;
  if (section->kind != YamlKind::kMap) {
    fail(section->place,
         key + ": must be a map from names to plugins, such as NAME: {plugin: ID}, but is " + section->shown());
  }
  for (const auto& entry : section->children) {
    check_name(entry.key, key + ":", entry.key_place);
    names.push_back(entry.key);
  }
  return names;
}

class Assembler {
 public:
  Assembler(const YamlNode& tree, const PluginCatalog& catalog, Experiment& experiment)
      : tree_(tree), experiment_(experiment), scope_{catalog, {}, {}, {}, {}, experiment.resolved} {}

  void run(const std::string& default_name) {
    config::refuse_unknown_keys(tree_, "", top_keys());
    read_top(default_name);
    scope_.all_datasets = section_names(tree_.find("datasets"), "datasets");
    scope_.all_stages = section_names(tree_.find("stages"), "stages");
    section_names(tree_.find("evaluators"), "evaluators");
    if (scope_.all_stages.empty()) {
      fail(file_, "the experiment has no stages, so there is nothing to do; add stages: {pretrain: {...}}. Available: " +
                      config::join(scope_.catalog.ids("stage")));
    }
    // The model sees no data; the tokenizer may be trained on any dataset, so datasets come before it.
    read_models();
    for_each("datasets", [&](const YamlNode& node, const std::string& key) {
      experiment_.datasets.push_back(config::resolve_slot(node, key, node.key, "dataset", {}, scope_));
      scope_.datasets.push_back(node.key);
    });
    read_corpus();
    experiment_.tokenizer = single("tokenizer", "tokenizer");
    for_each("stages", [&](const YamlNode& node, const std::string& key) {
      if (has_checkpoint(node)) {
        experiment_.stages.push_back(finished_stage(node, key));
        scope_.stages.push_back(node.key);
        return;
      }
      // Where there is one model the key is not on offer, but whoever writes it is told why.
      std::vector<std::string> own_keys;
      if (!experiment_.models.empty() || node.find("model") != nullptr) own_keys.emplace_back("model");
      StageConfig stage{config::resolve_slot(node, key, node.key, "stage", own_keys, scope_)};
      stage.model = read_model_name(node, key, stage);
      experiment_.stages.push_back(std::move(stage));
      scope_.stages.push_back(node.key);
    });
    for_each("evaluators", [&](const YamlNode& node, const std::string& key) {
      EvaluatorConfig evaluator{config::resolve_slot(node, key, node.key, "evaluator", {"after"}, scope_)};
      evaluator.after = read_after(node, key);
      experiment_.evaluators.push_back(std::move(evaluator));
    });
    refuse_unused_models();
  }

 private:
  void read_top(const std::string& default_name) {
    const TopSpecs specs = top_specs(default_name);
    const auto text = [&](const ParamSpec& spec) { return std::get<std::string>(top(spec)); };
    experiment_.name = text(specs.experiment);
    const YamlNode* name = tree_.find("experiment");
    check_name(experiment_.name, name != nullptr ? "experiment:" : "no 'experiment: NAME' is given, and the file's own name",
               name != nullptr ? name->place : file_);
    experiment_.description = text(specs.description);
    experiment_.seed = static_cast<std::uint64_t>(std::get<std::int64_t>(top(specs.seed)));
    experiment_.device = text(specs.device);
    if (!is_device(experiment_.device)) {
      const YamlNode* device = tree_.find("device");
      fail(device != nullptr ? device->place : file_, "device = " + experiment_.device + ": use cpu, cuda or cuda:N");
    }
    experiment_.threads = std::get<std::int64_t>(top(specs.threads));
    experiment_.validation_fraction = std::get<double>(top(specs.validation_fraction));
  }

  /// A slot of a model or tokenizer, made of its keys or of a checkpoint folder.
  SlotConfig slot_of(const YamlNode& node, const std::string& key, const std::string& name, const std::string& kind) {
    if (!has_checkpoint(node)) return config::resolve_slot(node, key, name, kind, {}, scope_);
    const auto [place, folder, manifest] = checkpoint_of(node, key);
    const bool is_model = kind == "architecture";
    SlotConfig slot{name, kind, is_model ? manifest.architecture : manifest.tokenizer, {}};
    const Registration* plugin = scope_.catalog.lookup(kind, slot.plugin);
    if (plugin == nullptr) {
      fail(place,
           key + ".checkpoint: the checkpoint needs the " + kind + " plugin '" + slot.plugin + "', which is not there");
    }
    const ParamValues& stored = is_model ? manifest.architecture_values : manifest.tokenizer_values;
    slot.values = stored_values(folder, kind + " " + slot.plugin, stored, plugin->specs);
    for (const auto& [param, value] : stored.all()) {
      slot.values.set(param, {value.value, ValueSource::kFile, place.where()});
    }
    slot.checkpoint = folder;
    slot.checkpoint_sha256 = manifest.weights_sha256;
    return slot;
  }

  static bool has_checkpoint(const YamlNode& node) {
    return node.kind == YamlKind::kMap && node.find("checkpoint") != nullptr;
  }

  struct GivenCheckpoint {
    Place place;
    std::string folder;
    CheckpointManifest manifest;
  };

  GivenCheckpoint checkpoint_of(const YamlNode& node, const std::string& key) {
    const YamlNode* given = node.find("checkpoint");
    config::refuse_unknown_keys(node, key, {"checkpoint"}, "; the checkpoint says everything else");
    const ParamSpec spec = top_spec("checkpoint", ParamType::kText, std::string(), "Folder of a checkpoint.");
    const auto text = std::get<std::string>(
        config::resolve_value(&node, spec, key + ".checkpoint", given->place, experiment_.resolved).value);
    const auto folder = (experiment_.base_dir / text).lexically_normal();
    try {
      return {given->place, folder.string(), read_manifest(folder)};
    } catch (const DataError& error) {
      fail(given->place, key + ".checkpoint: " + error.what() + "; make one with `temper import SOURCE DIR`");
    }
  }

  /// A stage that is there already: nothing is trained, later stages and evaluators use it like any other.
  StageConfig finished_stage(const YamlNode& node, const std::string& key) {
    const auto [place, folder, manifest] = checkpoint_of(node, key);
    StageConfig stage{{node.key, "stage", "checkpoint", {}}};
    stage.checkpoint = folder;
    stage.checkpoint_sha256 = manifest.weights_sha256;
    return stage;
  }

  /// The first stage that is a checkpoint: what model and tokenizer are where the experiment does not say.
  const YamlNode* first_checkpoint() const {
    const YamlNode* stages = tree_.find("stages");
    if (stages == nullptr || stages->kind != YamlKind::kMap) return nullptr;
    const auto found = std::find_if(stages->children.begin(), stages->children.end(), has_checkpoint);
    return found == stages->children.end() ? nullptr : &*found;
  }

  ParamValue top(const ParamSpec& spec) {
    return config::resolve_value(&tree_, spec, spec.name, file_, experiment_.resolved).value;
  }

  SlotConfig single(const std::string& key, const std::string& kind) {
    const YamlNode* node = tree_.find(key);
    if (node == nullptr) node = first_checkpoint();
    if (node == nullptr) {
      fail(file_, "the experiment needs '" + key + "'; add " + key +
                      ": {plugin: ID, ...}. Available: " + config::join(scope_.catalog.ids(kind)));
    }
    return slot_of(*node, key, key, kind);
  }

  template <class Function>
  void for_each(const std::string& section, Function function) {
    const YamlNode* node = tree_.find(section);
    if (node == nullptr) return;
    for (const auto& entry : node->children) function(entry, section + "." + entry.key);
  }

  void read_models() {
    const YamlNode* one = tree_.find("model");
    const YamlNode* several = tree_.find("models");
    if (several == nullptr) {
      experiment_.model = single("model", "architecture");
      return;
    }
    if (one != nullptr) {
      fail(several->key_place,
           "the experiment has both 'model' and 'models'; keep one of them. With 'models', a stage with "
           "fresh weights says which one it trains (model: NAME)");
    }
    model_names_ = section_names(several, "models");
    if (model_names_.empty()) {
      fail(several->key_place,
           "models: names no model; add models: {NAME: {plugin: ID, ...}}, or use 'model' for a single "
           "one. Available: " +
               config::join(scope_.catalog.ids("architecture")));
    }
    for_each("models", [&](const YamlNode& node, const std::string& key) {
      experiment_.models.push_back(slot_of(node, key, node.key, "architecture"));
    });
  }

  void read_corpus() {
    const YamlNode* corpus = tree_.find("corpus");
    if (corpus == nullptr) return;
    if (corpus->kind != YamlKind::kMap) {
      fail(corpus->place, "corpus: must be a map, such as corpus: {filters: [near_dedup]}, but is " + corpus->shown());
    }
    const auto names_of = [&](const ParamSpec& spec) {
      const auto value = config::resolve_value(corpus, spec, "corpus." + spec.name, corpus->key_place, experiment_.resolved);
      auto names = std::get<std::vector<std::string>>(value.value);
      const YamlNode* node = corpus->find(spec.name);
      config::refuse_repeats(names, "corpus." + spec.name, node != nullptr ? node->place : corpus->key_place);
      return names;
    };
    const auto filters =
        names_of(top_spec("filters", ParamType::kTextList, std::vector<std::string>{},
                          "Filters that documents go through, in this order; their settings stand beside it."));
    experiment_.corpus.data = names_of(top_spec("data", ParamType::kTextList, scope_.datasets,
                                                "Datasets whose documents are cleaned, together; by default all."));
    for (const auto& name : experiment_.corpus.data) {
      config::check_reference(name, "dataset", "corpus.data", corpus->find("data")->place, scope_.datasets,
                              scope_.all_datasets);
    }
    // Settings of a filter that is not in use stay beside the list, so that it can be switched off and on; they are checked.
    std::vector<ResolvedEntry> unused;
    const config::Scope aside{scope_.catalog, {}, {}, {}, {}, unused};
    for (const auto& entry : corpus->children) {
      if (entry.key == "filters" || entry.key == "data") continue;
      check_name(entry.key, "corpus:", entry.key_place);
      config::resolve_slot(entry, "corpus." + entry.key, entry.key, "filter", {}, aside);
    }
    for (const auto& name : filters) {
      const YamlNode* list = corpus->find("filters");
      check_name(name, "corpus.filters:", list->place);
      YamlNode plain;
      plain.key = name;
      plain.place = plain.key_place = list->place;
      const YamlNode* node = corpus->find(name);
      experiment_.corpus.filters.push_back(
          config::resolve_slot(node != nullptr ? *node : plain, "corpus." + name, name, "filter", {}, scope_));
    }
  }

  /// A stage that builds on another has that one's model; any other one names its own.
  std::string read_model_name(const YamlNode& node, const std::string& key, const StageConfig& stage) {
    const YamlNode* given = node.find("model");
    const std::string full = key + ".model";
    if (experiment_.models.empty()) {
      if (given == nullptr) return "";
      fail(given->key_place, full +
                                 ": chooses among 'models', but the experiment has one 'model', which every stage trains; "
                                 "remove this key, or name the models under 'models'");
    }
    if (!stage.parents.empty()) {
      const StageLink& first = stage.parents.front();
      if (given != nullptr) {
        fail(given->key_place, full + ": stage '" + stage.name + "' goes on with the model of its '" + first.param + "', '" +
                                   first.stage + "'; keep only one of the two keys");
      }
      for (const auto& earlier : experiment_.stages) {
        if (earlier.name == first.stage) return earlier.model;
      }
    }
    if (given == nullptr) {
      fail(node.key_place, "'" + key +
                               "' begins with fresh weights and does not say of which model; add model: NAME. Models: " +
                               config::join(model_names_));
    }
    const ParamSpec spec = top_spec("model", ParamType::kText, std::string(), "Which of the models the stage trains.");
    const auto value = config::resolve_value(&node, spec, full, node.key_place, experiment_.resolved).value;
    const auto& name = std::get<std::string>(value);
    config::check_reference(name, "model", full, given->place, model_names_, model_names_);
    return name;
  }

  void refuse_unused_models() const {
    for (const auto& model : experiment_.models) {
      const bool used = std::any_of(experiment_.stages.begin(), experiment_.stages.end(),
                                    [&](const StageConfig& stage) { return stage.model == model.name; });
      if (!used) {
        fail(
            tree_.find("models")->find(model.name)->key_place,
            "models." + model.name + ": no stage trains this model; add model: " + model.name + " to a stage, or remove it");
      }
    }
  }

  std::vector<std::string> read_after(const YamlNode& evaluator, const std::string& key) {
    const ParamSpec spec = top_spec("after", ParamType::kTextList, std::vector<std::string>{},
                                    "Stages after which the evaluator runs; without it, after every stage.");
    const std::string full = key + ".after";
    const YamlNode* node = evaluator.find("after");
    const auto value = config::resolve_value(&evaluator, spec, full, evaluator.key_place, experiment_.resolved).value;
    const auto& given = std::get<std::vector<std::string>>(value);
    if (node == nullptr) return {};
    if (given.empty()) fail(node->place, full + ": names no stage; remove it to evaluate after every stage");
    config::refuse_repeats(given, full, node->place);
    for (const auto& stage : given) {
      config::check_reference(stage, "stage", full, node->place, scope_.stages, scope_.all_stages);
    }
    std::vector<std::string> ordered;
    for (const auto& stage : scope_.all_stages) {
      if (std::find(given.begin(), given.end(), stage) != given.end()) ordered.push_back(stage);
    }
    return ordered;
  }

  const YamlNode& tree_;
  Experiment& experiment_;
  config::Scope scope_;
  std::vector<std::string> model_names_;
  const Place file_{experiment_.path.string(), 0, false};
};

YamlNode with_name(YamlNode tree, const std::string& name) {
  if (tree.find("experiment") != nullptr) return tree;
  YamlNode node;
  node.kind = YamlKind::kScalar;
  node.text = name;
  node.key = "experiment";
  tree.children.insert(tree.children.begin(), std::move(node));
  return tree;
}

}  // namespace

const SlotConfig& model_of(const Experiment& experiment, const StageConfig& stage) {
  for (const auto& model : experiment.models) {
    if (model.name == stage.model) return model;
  }
  return experiment.model;
}

Experiment load_experiment(const std::filesystem::path& path, const Overrides& overrides, const PluginCatalog& catalog) {
  return parse_experiment(config::read_text(path), path, overrides, catalog);
}

Experiment resolve_experiment(YamlNode& tree, const std::filesystem::path& origin, const Overrides& overrides,
                              const PluginCatalog& catalog) {
  Experiment experiment;
  experiment.path = origin;
  experiment.base_dir = std::filesystem::absolute(origin).lexically_normal().parent_path();
  for (const auto& assignment : overrides.sets) config::apply_set(tree, assignment);
  if (overrides.seed) config::apply_option(tree, "seed", std::to_string(*overrides.seed));
  if (overrides.device) config::apply_option(tree, "device", *overrides.device);
  Assembler(tree, catalog, experiment).run(origin.stem().string());
  return experiment;
}

Experiment parse_experiment(const std::string& yaml_text, const std::filesystem::path& origin, const Overrides& overrides,
                            const PluginCatalog& catalog) {
  auto [tree, included] = config::compose(yaml_text, origin);
  const std::string source = included ? config::write_yaml(with_name(tree, origin.stem().string())) : yaml_text;
  Experiment experiment = resolve_experiment(tree, origin, overrides, catalog);
  experiment.source_text = source;
  experiment.effective_text = config::write_yaml(with_name(tree, experiment.name));
  return experiment;
}

int threads_of(const Experiment& experiment, int processes) {
  return experiment.threads > 0 ? static_cast<int>(experiment.threads) : std::max(1, cores() / processes);
}

}  // namespace temper
