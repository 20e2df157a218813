// Sampled answers of one round with all that the losses need of them: rewards, log-probabilities of policy and reference at
// the start of the round. Everything lives on the same rows and positions: column t is about the token that position t
// predicts (see dialogues.h), and mask_BT marks the answers' tokens. All of it is in main memory, whatever the device.
// Shapes: B answers, T positions, D width.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dialogues.h"
#include "reward_models.h"
#include "rollout_params.h"
#include "temper/reward_shaping.h"

namespace temper::stages {

struct Rollouts {
  std::vector<std::string> prompts, answers;  ///< as text
  std::vector<Dialogue> dialogues;
  Batch batch;
  at::Tensor mask_BT, finished_B, lengths_B;
  AnswerScores raw;     ///< what the reward models say
  ShapedScores shaped;  ///< after penalties, scaling and clipping: what is learnt from
  at::Tensor old_BT, entropy_BT, reference_BT, kl_BT;
  at::Tensor values_BT, bootstrap_B, advantages_BT, returns_BT;  ///< filled by the algorithm
  double rollout_seconds = 0;
};

/// Samples rounds of answers. Which prompts a round has and how its answers are drawn follows from the round's number and
/// the stage's seed alone.
class RolloutSource {
 public:
  /// Answers to one prompt are neighbours, `answers_per_prompt` of them.
  RolloutSource(StageContext& context, const RolloutParams& params, const std::string& template_name,
                std::int64_t answers_per_prompt);
  /// Answers and their scores; throws Cancelled before anything changed. Log-probabilities come with fill_log_probs.
  Rollouts sample(std::int64_t iteration);
  void fill_log_probs(Rollouts& rollouts) const;
  void save(StateDict& state) const;
  void load(const StateDict& state);

 private:
  struct Ready {
    std::string text;
    std::vector<std::int64_t> ids;
  };
  void score(Rollouts& rollouts);

  StageContext& context_;
  const RolloutParams& params_;
  std::int64_t answers_per_prompt_;
  std::int64_t end_token_;
  ArchitectureTraits traits_;
  std::vector<Ready> prompts_;
  RewardModels rewards_;
  RunningMoments seen_;
};

/// `count` values of [B, T] that `compute` gives in parts of like length on the device, put together in main memory; no
/// gradients. Processes share out the parts, and all have the whole afterwards.
std::vector<at::Tensor> by_parts(Communicator& ranks, c10::Device device, const Batch& batch, std::int64_t tokens,
                                 std::size_t count,
                                 const std::function<std::vector<at::Tensor>(const Batch& part)>& compute);

}  // namespace temper::stages
