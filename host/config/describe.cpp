// What people and caches see of a resolved experiment: a listing and an identity.
#include <algorithm>
#include <map>
#include <sstream>

#include "host/config/experiment.h"
#include "host/config/yaml_tree.h"
#include "temper/hash.h"

namespace temper {
namespace {

std::string pad(const std::string& text, std::size_t width) {
  // Columns count characters, not bytes.
  const auto characters = static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
  return characters >= width ? text : text + std::string(width - characters, ' ');
}

std::string one_line(const std::string& text) {
  std::string line;
  for (const char c : text) {
    if (c == '\n') {
      line += "\\n";
    } else {
      line += c;
    }
  }
  return line.empty() ? "\"\"" : line;
}

std::vector<std::string> evaluators_after(const Experiment& experiment, const std::string& stage) {
  std::vector<std::string> names;
  for (const auto& evaluator : experiment.evaluators) {
    const auto& after = evaluator.after;
    if (after.empty() || std::find(after.begin(), after.end(), stage) != after.end()) names.push_back(evaluator.name);
  }
  return names;
}

std::string stage_line(const Experiment& experiment, const StageConfig& stage, std::size_t name_width) {
  std::vector<std::string> parts;
  if (!stage.checkpoint.empty()) parts.push_back("as it is in " + stage.checkpoint);
  for (const auto& link : stage.parents) parts.push_back(link.param + " " + link.stage);
  if (stage.parents.empty() && stage.checkpoint.empty())
    parts.push_back("from fresh weights" + (stage.model.empty() ? "" : " of " + stage.model));
  if (!stage.datasets.empty()) parts.push_back("data " + config::join(stage.datasets));
  const auto evaluators = evaluators_after(experiment, stage.name);
  parts.push_back(evaluators.empty() ? "not evaluated" : "then " + config::join(evaluators));
  std::string line = pad(stage.name, name_width) + "  plugin " + stage.plugin;
  for (const auto& part : parts) line.append("; ").append(part);
  return line;
}

/// Length in front of each text, so that no two different values give the same bytes.
std::string framed(const std::string& text) { return std::to_string(text.size()) + ":" + text; }

std::string canonical(const ParamValue& value) {
  std::string text = std::to_string(value.index()) + "|";
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    for (const auto& item : *list) text += framed(item);
    return text;
  }
  return text + framed(to_text(value));
}

void collect(const std::string& section, const SlotConfig& slot, std::map<std::string, std::string>& facts) {
  const std::string prefix = (section.empty() ? "" : section + ".") + slot.name + ".";
  facts[prefix + "plugin"] = canonical(slot.plugin);
  if (!slot.checkpoint.empty()) facts[prefix + "checkpoint"] = canonical(slot.checkpoint_sha256);
  for (const auto& [name, value] : slot.values.all()) facts[prefix + name] = canonical(value.value);
}

}  // namespace

std::string describe_experiment(const Experiment& experiment) {
  std::ostringstream out;
  out << "experiment " << experiment.name;
  if (!experiment.description.empty()) out << ": " << one_line(experiment.description);
  out << "\n\nStages, in the order they run:\n";
  std::size_t name_width = 0;
  for (const auto& stage : experiment.stages) name_width = std::max(name_width, stage.name.size());
  int number = 0;
  for (const auto& stage : experiment.stages) {
    out << "  " << ++number << ". " << stage_line(experiment, stage, name_width) << "\n";
  }

  constexpr std::size_t kMaxColumn = 60;  // a long value pushes its own line out, not the whole table
  std::size_t key_width = 3, value_width = 5;
  for (const auto& entry : experiment.resolved) {
    key_width = std::max(key_width, entry.key.size());
    value_width = std::max(value_width, std::min(kMaxColumn, one_line(entry.value).size()));
  }
  out << "\n" << pad("key", key_width) << "  " << pad("value", value_width) << "  source\n";
  for (const auto& entry : experiment.resolved) {
    out << pad(entry.key, key_width) << "  " << pad(one_line(entry.value), value_width) << "  "
        << (entry.where.empty() ? entry.source : entry.where) << "\n";
  }
  out << "\nidentity " << resolved_hash(experiment) << "\n";
  return out.str();
}

std::string resolved_hash(const Experiment& experiment) {
  std::map<std::string, std::string> facts;  // sorted, so the order of the file does not matter
  facts["seed"] = canonical(static_cast<std::int64_t>(experiment.seed));
  facts["device"] = canonical(experiment.device);
  facts["validation_fraction"] = canonical(experiment.validation_fraction);
  if (experiment.models.empty()) collect("", experiment.model, facts);
  for (const auto& slot : experiment.models) collect("models", slot, facts);
  collect("", experiment.tokenizer, facts);
  for (const auto& slot : experiment.datasets) collect("datasets", slot, facts);
  if (!experiment.corpus.filters.empty()) {
    std::vector<std::string> order;
    for (const auto& slot : experiment.corpus.filters) {
      collect("corpus", slot, facts);
      order.push_back(slot.name);
    }
    facts["corpus.filters"] = canonical(order);
    facts["corpus.data"] = canonical(experiment.corpus.data);
  }
  for (const auto& slot : experiment.stages) {
    collect("stages", slot, facts);
    if (!slot.model.empty()) facts["stages." + slot.name + ".model"] = canonical(slot.model);
  }
  for (const auto& slot : experiment.evaluators) {
    collect("evaluators", slot, facts);
    // Written out or left out, "every stage" is the same set.
    std::vector<std::string> after = slot.after;
    if (after.empty()) {
      for (const auto& stage : experiment.stages) after.push_back(stage.name);
    }
    std::sort(after.begin(), after.end());
    facts["evaluators." + slot.name + ".after"] = canonical(after);
  }
  Sha256 hash;
  hash.update("temper experiment 1\n");
  for (const auto& [key, value] : facts) hash.update(framed(key)).update(framed(value));
  return hash.hex();
}

}  // namespace temper
