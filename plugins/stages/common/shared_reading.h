// Reading by evaluators. In a run of many processes rank 0 evaluates and the others wait for orders: an order of this file
// names a model and lists answers, every process finds the model by that name, and all read their groups (reading.h).
// Evaluators that use it hand Evaluator::help on to help_reading().
// Shapes: N answers, K dimensions of a reward head.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "dialogues.h"

namespace temper::stages {

/// What every process of a run finds a model by.
struct ModelName {
  std::string stage;      ///< of the run, or "" for the one that is evaluated
  std::string reference;  ///< not empty: a model from outside, as ModelLender knows it
};

/// [N, K]: what the model's reward head says.
at::Tensor read_rewards(EvalContext& context, const ModelName& name, const std::vector<Dialogue>& dialogues);
/// [N]: see reference_sums.h.
at::Tensor sum_log_probs(EvalContext& context, const ModelName& name, const std::vector<Dialogue>& dialogues);

/// The other processes' part of one of these. Throws PluginError if it is no such order.
void help_reading(EvalContext& context, const std::string& order);

}  // namespace temper::stages
