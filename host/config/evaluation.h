// From an experiment, or from nothing, to one that trains nothing: what `temper eval` runs. Datasets and evaluators stay;
// stages become finished checkpoints.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace temper {

struct EvaluationPlan {
  /// Finished stages by name, in order, with their checkpoint folders. Evaluators run after `evaluated` only; the others are
  /// there for evaluators that name them (a reward model).
  std::vector<std::pair<std::string, std::filesystem::path>> stages;
  std::string evaluated;
  std::vector<std::string> evaluators;  ///< which of the experiment's to run, or plugin ids to add; empty: all it has
  std::vector<std::string> sets;        ///< KEY=VALUE over the result, e.g. evaluators.safety.limit=100
};

/// YAML for parse_experiment with the same origin. `yaml_text` may be "". Throws ConfigError if no evaluator is left, or an
/// evaluator that is asked for is neither in the experiment nor set with --set; `origin` is for messages and includes.
std::string evaluation_text(const std::string& yaml_text, const std::filesystem::path& origin, const EvaluationPlan& plan);

}  // namespace temper
