// One or several trained reward models as a stage uses them: answers in, one score an answer out, without gradients.
// Shapes: B answers, M reward models.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "reading.h"
#include "reward_head.h"

namespace temper::stages {

struct AnswerScores {
  at::Tensor scores_B;             ///< what the stage optimises
  std::vector<std::string> names;  ///< of the parts below
  std::vector<at::Tensor> parts;   ///< each dimension, averaged over the models
  double disagreement = 0;         ///< mean over answers of the deviation between models (0 for one)
};

class RewardModels {
 public:
  /// `ensemble` is "mean", "minimum" or "mean_minus_deviation" over the models. They have to have been trained with
  /// `prompt_template`, else ConfigError. The context has to outlive this; its processes share out what is read.
  RewardModels(StageContext& context, const std::vector<std::string>& stages, const std::string& ensemble,
               const std::string& prompt_template);
  RewardModels(EvalContext& context, const std::vector<std::string>& stages, const std::string& ensemble,
               const std::string& prompt_template);
  AnswerScores score(const std::vector<Dialogue>& dialogues) const;

 private:
  struct Member {
    RewardHead head;
    std::function<at::Tensor(const std::vector<Dialogue>&)> read;  ///< [B, K]
  };
  const RewardHead& add(const std::string& stage, RewardHead head, const std::string& prompt_template);

  std::vector<Member> members_;
  std::string ensemble_;
};

/// What a head says of answers, [B, K], in evaluation mode.
at::Tensor read_rewards(Architecture& model, const RewardHead& head, const std::vector<Dialogue>& dialogues,
                        std::int64_t pad_id, const Readers& readers = {});

}  // namespace temper::stages
