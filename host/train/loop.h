// The training loop: gradient accumulation weighted by tokens, clipping, schedule, validation, early stop, checkpoints,
// exact resume. Stages reach it through StageContext::fit; what it does not do (files, record) it asks of FitHooks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "host/train/optimizer.h"
#include "temper/context.h"

namespace temper {

struct FitHooks {
  std::string stage;
  std::uint64_t seed = 0;  ///< of dropout and of fresh adapters
  std::optional<StateDict> resume;
  std::function<void(const std::string& metric, std::int64_t step, double value)> log;
  std::function<bool()> cancelled;
  /// Makes a resumable checkpoint of the model's weights and this state.
  std::function<void(const StateDict& state, const FitTotals& totals)> save;
  Progress* progress = nullptr;
  std::function<void()> step_begins;  ///< may be null
  std::int64_t pause_at = 0;          ///< from this step on it saves and throws Cancelled, unless it is the last; 0: never
  /// Of many processes, null for one alone. All ranks call run_fit with equal plans and each computes a part of every batch;
  /// hooks but `cancelled`, which any rank may answer, matter on rank 0 alone.
  ParallelEngine* ranks = nullptr;
  ModelOptimizer* optimizer = nullptr;  ///< null: the loop makes its own from the plan
};

struct FitReport {
  FitStatus status = FitStatus::kComplete;
  FitTotals totals;
  std::string reason;  ///< for kDiverged and kEarlyStop: what happened, in a sentence
};

/// The metrics that the loop logs, for the stage's declaration.
std::vector<MetricSpec> fit_metrics(const std::string& loss_unit);

/// Throws Cancelled after saving, when asked to stop. On divergence the weights are those before the bad step.
FitReport run_fit(Architecture& model, const FitPlan& plan, FitHooks hooks);

}  // namespace temper
