// Rows from an experiment (see record_rows.h).
#include "host/run/record_rows.h"

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

std::vector<LedgerRow> ledger_rows(const clean::Summary& cleaning) {
  std::vector<LedgerRow> rows;
  for (const auto& filter : cleaning.filters) {
    LedgerRow row{filter.name,   filter.plugin,   filter.documents, filter.dropped,
                  filter.edited, filter.bytes_in, filter.bytes_out};
    for (const auto& [reason, count] : filter.reasons) row.reasons.push_back({"drop", reason, static_cast<double>(count)});
    for (const auto& [type, count] : filter.spans) row.reasons.push_back({"span", type, static_cast<double>(count)});
    for (const auto& [name, value] : filter.figures) row.reasons.push_back({"figure", name, value});
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace temper
