// A model in evaluation mode for as long as an object lives; afterwards, exceptions included, it is as it was before.
#pragma once

#include "temper/architecture.h"

namespace temper {

class EvaluationMode {
 public:
  explicit EvaluationMode(Architecture& model) : model_(model), was_training_(model.is_training()) { model_.train(false); }
  ~EvaluationMode() { model_.train(was_training_); }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  Architecture& model_;
  bool was_training_;
};

}  // namespace temper
