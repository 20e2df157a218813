// The identity of a stage's result and of an evaluation's: a hash over everything that the bits depend on. Equal keys mean
// equal results, so they name what the stage cache keeps. Not part of a key: names of experiments and runs, descriptions,
// where files lie, and the spelling of values (P-SWEEP-03).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "host/config/experiment.h"
#include "host/plugin/registry.h"

namespace temper {

class StageKeys {
 public:
  /// `fingerprint` gives a dataset's, by its name. References have to outlive this. `threads` and `ranks` are what the run
  /// computes with: sums of floating-point numbers depend on them.
  StageKeys(const Experiment& experiment, const Registry& registry, std::int64_t threads, int ranks,
            std::function<std::string(const std::string& dataset)> fingerprint);

  /// Of the stage with all that it builds on: program, plugins, values, data, seed. A stage that is a checkpoint has the
  /// key of its weights.
  const std::string& stage(const std::string& name);
  /// Nothing if the evaluator reads files that the experiment does not know (a parameter that is a path, or no
  /// dataset at all): such a result is never taken from elsewhere.
  std::optional<std::string> evaluation(const std::string& stage, const EvaluatorConfig& evaluator);

 private:
  using Facts = std::map<std::string, std::string>;
  Facts common_facts() const;
  void add_slot(Facts& facts, const std::string& prefix, const SlotConfig& slot) const;
  void add_datasets(Facts& facts, const SlotConfig& slot);

  const Experiment& experiment_;
  const Registry& registry_;
  std::int64_t threads_;
  int ranks_;
  std::function<std::string(const std::string&)> fingerprint_;
  std::map<std::string, std::string> fingerprints_, stages_;
};

/// SHA-256 of the running program and of the SDK it uses; computed once.
const std::string& program_sha256();

}  // namespace temper
