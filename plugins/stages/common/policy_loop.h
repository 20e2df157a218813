// The loop of every stage that learns from its own samples: sample, score, then some epochs of minibatches, log, checkpoint;
// resumable at every round to the bit. What distinguishes PPO from GRPO are the advantages and the loss, which the stage
// gives as functions.
// Shapes: B answers of a part, T positions, D width.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "rollouts.h"
#include "temper/stage.h"

namespace temper::stages {

/// Some answers of a round during an update.
struct UpdatePart {
  const Rollouts& rollouts;
  at::Tensor rows;        ///< which answers
  Batch batch;            ///< theirs, cut to the longest
  at::Tensor hidden_BTD;  ///< the policy's
  AnswerLogProbs now;     ///< the policy's, differentiable
  at::Tensor mask_BT, old_BT, reference_BT;
  double tokens = 0, answers = 0;  ///< of the whole minibatch: what sums are divided by

  /// The part's rows and columns of a [B, T] tensor of the round, where the part is.
  at::Tensor take(const at::Tensor& round_BT) const;
};

struct PolicyAlgorithm {
  std::int64_t answers_per_prompt = 1;
  std::vector<NamedParameter> extra;  ///< trained with the policy (a critic)
  std::vector<MetricSpec> metrics;    ///< what the two functions below log
  Aggregation aggregation = Aggregation::kTokenMean;
  /// Fills advantages_BT, and returns and values where there is a critic. No gradients. Returns metrics.
  std::function<std::map<std::string, double>(Rollouts&, double kl_coef)> advantages;
  /// What comes on top of clipped policy loss, entropy and KL, already divided by the minibatch's size; undefined: nothing.
  /// Adds to metrics what is to be averaged over updates.
  std::function<at::Tensor(const UpdatePart&, std::map<std::string, double>& metrics)> extra_loss;
};

FitStatus run_policy_loop(StageContext& context, const RolloutParams& params, PolicyAlgorithm& algorithm,
                          const std::string& template_name);

}  // namespace temper::stages
