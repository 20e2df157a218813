// Keys of results (see stage_keys.h).
#include "host/run/stage_keys.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>

#include "temper/error.h"
#include "temper/hash.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

/// Length in front of each text, so that no two different lists give the same bytes.
std::string framed(const std::string& text) { return std::to_string(text.size()) + ":" + text; }

std::string canonical(const ParamValue& value) {
  std::string text = std::to_string(value.index()) + "|";
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    for (const auto& item : *list) text += framed(item);
    return text;
  }
  return text + framed(to_text(value));
}

std::string hash_of(const std::string& what, const std::map<std::string, std::string>& facts) {
  Sha256 hash;
  hash.update(what + "\n");
  for (const auto& [key, value] : facts) hash.update(framed(key)).update(framed(value));
  return hash.hex().substr(0, 40);
}

bool names_a_path(const ParamValue& value, const fs::path& base_dir) {
  const auto is_path = [&](const std::string& text) {
    std::error_code error;
    return !text.empty() && (fs::exists(base_dir / text, error) || text.find(".h5:") != std::string::npos);
  };
  if (const auto* text = std::get_if<std::string>(&value)) return is_path(*text);
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    return std::any_of(list->begin(), list->end(), is_path);
  }
  return false;
}

}  // namespace

const std::string& program_sha256() {
  static const std::string sha = [] {
    std::string all = sha256_file("/proc/self/exe");
    Dl_info info{};
    // The SDK's library holds the training arithmetic; its address is that of any of its functions.
    if (dladdr(reinterpret_cast<const void*>(&sha256_file), &info) != 0 && info.dli_fname != nullptr) {
      all += sha256_file(info.dli_fname);
    }
    return sha256_hex(all);
  }();
  return sha;
}

StageKeys::StageKeys(const Experiment& experiment, const Registry& registry, std::int64_t threads, int ranks,
                     std::function<std::string(const std::string&)> fingerprint)
    : experiment_(experiment), registry_(registry), threads_(threads), ranks_(ranks), fingerprint_(std::move(fingerprint)) {}

StageKeys::Facts StageKeys::common_facts() const {
  return {{"program", program_sha256()},
          {"threads", std::to_string(threads_)},
          {"ranks", std::to_string(ranks_)},
          {"device", experiment_.device},
          {"seed", std::to_string(experiment_.seed)},
          {"validation_fraction", canonical(experiment_.validation_fraction)}};
}

void StageKeys::add_slot(Facts& facts, const std::string& prefix, const SlotConfig& slot) const {
  facts[prefix + "name"] = slot.name;
  facts[prefix + "plugin"] = slot.plugin;
  facts[prefix + "plugin_sha256"] = registry_.origin(slot.kind, slot.plugin).sha256();
  if (!slot.checkpoint.empty()) facts[prefix + "checkpoint"] = slot.checkpoint_sha256;
  for (const auto& [name, value] : slot.values.all()) facts[prefix + "value." + name] = canonical(value.value);
  for (const auto& spec : registry_.find(slot.kind, slot.plugin).specs) {
    if (spec.type != ParamType::kPlugin || slot.values.as<std::string>(spec.name).empty()) continue;
    facts[prefix + "plugin_sha256." + spec.name] =
        registry_.origin(spec.refers_to, slot.values.as<std::string>(spec.name)).sha256();
  }
}

void StageKeys::add_datasets(Facts& facts, const SlotConfig& slot) {
  for (const auto& name : slot.datasets) {
    auto found = fingerprints_.find(name);
    if (found == fingerprints_.end()) found = fingerprints_.emplace(name, fingerprint_(name)).first;
    facts["dataset." + name] = found->second;
    for (const auto& dataset : experiment_.datasets) {
      if (dataset.name == name) {
        facts["dataset." + name + ".plugin_sha256"] = registry_.origin("dataset", dataset.plugin).sha256();
      }
    }
  }
}

const std::string& StageKeys::stage(const std::string& name) {
  if (const auto known = stages_.find(name); known != stages_.end()) return known->second;
  const auto slot = std::find_if(experiment_.stages.begin(), experiment_.stages.end(),
                                 [&](const StageConfig& stage) { return stage.name == name; });
  if (slot == experiment_.stages.end()) throw ConfigError("the experiment has no stage '" + name + "'");
  if (!slot->checkpoint.empty()) {
    return stages_[name] = hash_of("temper checkpoint 1", {{"weights", slot->checkpoint_sha256}});
  }
  Facts facts = common_facts();
  add_slot(facts, "", *slot);
  add_slot(facts, "model.", model_of(experiment_, *slot));
  facts["model.chosen"] = slot->model;
  add_slot(facts, "tokenizer.", experiment_.tokenizer);
  add_datasets(facts, *slot);
  add_datasets(facts, experiment_.tokenizer);
  for (const auto& link : slot->parents) facts["parent." + link.param + "." + link.stage] = stage(link.stage);
  return stages_[name] = hash_of("temper stage 1", facts);
}

std::optional<std::string> StageKeys::evaluation(const std::string& stage_name, const EvaluatorConfig& evaluator) {
  if (evaluator.datasets.empty()) return std::nullopt;  // whatever it asks about, it reads by itself
  for (const auto& [name, value] : evaluator.values.all()) {
    if (names_a_path(value.value, experiment_.base_dir)) return std::nullopt;
  }
  Facts facts = common_facts();
  add_slot(facts, "", evaluator);
  add_slot(facts, "tokenizer.", experiment_.tokenizer);
  add_datasets(facts, evaluator);
  facts["stage"] = stage(stage_name);
  for (const auto& link : evaluator.parents) facts["parent." + link.param + "." + link.stage] = stage(link.stage);
  return hash_of("temper evaluation 1", facts);
}

}  // namespace temper
