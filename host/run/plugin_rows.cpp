// Plugins of an experiment (see plugin_rows.h).
#include "host/run/plugin_rows.h"

namespace temper {

std::vector<PluginRow> plugin_rows(const Experiment& experiment, const Registry& registry) {
  std::vector<PluginRow> rows;
  const auto add = [&](const std::string& slot, const std::string& kind, const std::string& id) {
    const PluginInfo& info = registry.origin(kind, id);
    rows.push_back({slot, kind, id, info.version, info.sha256(), info.abi_tag});
  };
  if (experiment.models.empty()) add("model", "architecture", experiment.model.plugin);
  for (const auto& slot : experiment.models) add("models." + slot.name, "architecture", slot.plugin);
  add("tokenizer", "tokenizer", experiment.tokenizer.plugin);
  for (const auto& slot : experiment.datasets) add("datasets." + slot.name, "dataset", slot.plugin);
  for (const auto& slot : experiment.corpus.filters) add("corpus." + slot.name, "filter", slot.plugin);
  for (const auto& slot : experiment.stages) {
    if (!slot.checkpoint.empty()) continue;
    add("stages." + slot.name, "stage", slot.plugin);
    for (const auto& spec : registry.find("stage", slot.plugin).specs) {
      if (spec.type == ParamType::kPlugin) {
        add("stages." + slot.name + "." + spec.name, spec.refers_to, slot.values.as<std::string>(spec.name));
      }
    }
  }
  for (const auto& slot : experiment.evaluators) add("evaluators." + slot.name, "evaluator", slot.plugin);
  return rows;
}

}  // namespace temper
