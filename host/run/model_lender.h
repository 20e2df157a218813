// Models from outside a run for evaluators and judges: finished checkpoints, loaded when they are first asked for and kept.
// Used by the evaluation context and by `temper score`.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "host/infer/generator.h"
#include "host/infer/scorer.h"
#include "host/infer/shared_inference.h"
#include "host/plugin/registry.h"
#include "host/run/model_store.h"
#include "temper/context.h"

namespace temper {

/// All ranks of a run compute what a lent model samples and scores (shared_inference.h).
struct LentTogether {
  Communicator& communicator;  ///< has to outlive the lender
  /// Called first, for the ranks that wait for orders: the model's reference, "generate" or "score", and the order.
  std::function<void(const std::string& reference, const std::string& what, const std::string& order)> announce;
};

class CheckpointLender final : public ModelLender {
 public:
  /// The registry has to outlive this. A relative reference starts at `base_dir`. Without `together` this process computes
  /// alone.
  CheckpointLender(const Registry& registry, std::string base_dir, c10::Device device = c10::kCPU,
                   std::optional<LentTogether> together = {})
      : registry_(registry), base_dir_(std::move(base_dir)), device_(device), together_(std::move(together)) {}
  LentModel& model(const std::string& reference) override;

 private:
  struct Loaded {
    LoadedModel model;
    std::unique_ptr<BatchGenerator> generator;
    std::unique_ptr<BatchScorer> scorer;
    std::unique_ptr<SharedGenerator> shared_generator;  ///< as `together` says
    std::unique_ptr<SharedScorer> shared_scorer;
    std::unique_ptr<LentModel> lent;
  };
  void share(Loaded& loaded, const std::string& reference) const;

  const Registry& registry_;
  std::string base_dir_;
  c10::Device device_;
  std::optional<LentTogether> together_;
  std::map<std::string, Loaded> loaded_;
};

}  // namespace temper
