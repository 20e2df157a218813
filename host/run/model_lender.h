// Models from outside a run for evaluators and judges: finished checkpoints, loaded when they are first asked for and kept.
// Used by the evaluation context and by `temper score`.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "host/infer/generator.h"
#include "host/infer/scorer.h"
#include "host/plugin/registry.h"
#include "host/run/model_store.h"
#include "temper/context.h"

namespace temper {

class CheckpointLender final : public ModelLender {
 public:
  /// The registry has to outlive this. A relative reference starts at `base_dir`.
  CheckpointLender(const Registry& registry, std::string base_dir, c10::Device device = c10::kCPU)
      : registry_(registry), base_dir_(std::move(base_dir)), device_(device) {}
  LentModel& model(const std::string& reference) override;

 private:
  struct Loaded {
    LoadedModel model;
    std::unique_ptr<BatchGenerator> generator;
    std::unique_ptr<BatchScorer> scorer;
    std::unique_ptr<LentModel> lent;
  };
  const Registry& registry_;
  std::string base_dir_;
  c10::Device device_;
  std::map<std::string, Loaded> loaded_;
};

}  // namespace temper
