// An experiment without training (see evaluation.h).
#include "host/config/evaluation.h"

#include <algorithm>

#include "host/config/compose.h"
#include "host/config/yaml_write.h"
#include "temper/error.h"

namespace temper {

using config::YamlKind;
using config::YamlNode;

namespace {

YamlNode scalar(const std::string& key, const std::string& text) {
  YamlNode node;
  node.kind = YamlKind::kScalar;
  node.text = text;
  node.quoted = true;
  node.key = key;
  return node;
}

YamlNode map_of(const std::string& key, std::vector<YamlNode> children) {
  YamlNode node;
  node.kind = YamlKind::kMap;
  node.key = key;
  node.children = std::move(children);
  return node;
}

void erase(YamlNode& map, const std::string& key) {
  std::erase_if(map.children, [&](const YamlNode& entry) { return entry.key == key; });
}

YamlNode stages_of(const EvaluationPlan& plan) {
  std::vector<YamlNode> stages;
  for (const auto& [name, folder] : plan.stages) {
    stages.push_back(map_of(name, {scalar("checkpoint", std::filesystem::absolute(folder).lexically_normal().string())}));
  }
  return map_of("stages", std::move(stages));
}

/// An evaluation may have no file to add a dataset in, so --set may name a new one.
void make_room(YamlNode& tree, const std::string& assignment) {
  const std::string section = "datasets";
  if (assignment.compare(0, section.size() + 1, section + ".") != 0) return;
  const auto end = assignment.find_first_of(".=", section.size() + 1);
  if (end == std::string::npos) return;
  const std::string name = assignment.substr(section.size() + 1, end - section.size() - 1);
  if (tree.find(section) == nullptr) tree.children.push_back(map_of(section, {}));
  YamlNode& datasets = *tree.find(section);
  if (datasets.kind == YamlKind::kMap && datasets.find(name) == nullptr) datasets.children.push_back(map_of(name, {}));
}

/// The evaluators to run, each after the one stage.
YamlNode evaluators_of(const YamlNode* given, const EvaluationPlan& plan) {
  YamlNode chosen = map_of("evaluators", {});
  std::vector<std::string> known;
  if (given != nullptr && given->kind == YamlKind::kMap) {
    for (const auto& entry : given->children) known.push_back(entry.key);
  }
  const auto& wanted = plan.evaluators.empty() ? known : plan.evaluators;
  for (const auto& name : wanted) {
    YamlNode entry = map_of(name, {});
    if (const YamlNode* found = given == nullptr ? nullptr : given->find(name)) entry = *found;
    if (entry.kind == YamlKind::kScalar) entry = map_of(name, {scalar("plugin", entry.text)});
    if (entry.kind != YamlKind::kMap) entry = map_of(name, {});
    erase(entry, "after");
    YamlNode after;
    after.kind = YamlKind::kList;
    after.key = "after";
    after.children.push_back(scalar("", plan.evaluated));
    entry.children.push_back(std::move(after));
    chosen.children.push_back(std::move(entry));
  }
  if (chosen.children.empty()) {
    throw ConfigError(
        "there is no evaluator to run; name some with --evaluators a,b or give --with EXPERIMENT.yaml that has "
        "evaluators");
  }
  return chosen;
}

}  // namespace

std::string evaluation_text(const std::string& yaml_text, const std::filesystem::path& origin, const EvaluationPlan& plan) {
  YamlNode tree = map_of("", {});
  if (!yaml_text.empty()) tree = config::compose(yaml_text, origin).tree;
  const YamlNode* name = tree.find("experiment");
  const std::string title = (name != nullptr && name->kind == YamlKind::kScalar ? name->text : origin.stem().string());
  const YamlNode evaluators = evaluators_of(tree.find("evaluators"), plan);
  for (const char* key : {"experiment", "model", "models", "tokenizer", "stages", "evaluators"}) erase(tree, key);
  tree.children.insert(tree.children.begin(), scalar("experiment", title + "-eval"));
  tree.children.push_back(stages_of(plan));
  tree.children.push_back(evaluators);
  for (const auto& assignment : plan.sets) {
    make_room(tree, assignment);
    config::apply_set(tree, assignment);
  }
  return config::write_yaml(tree);
}

}  // namespace temper
