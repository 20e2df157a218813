// A trained reward model as a reader of texts: conversation and answer in, one number out. It reads with its own tokenizer
// and template, so it judges the answers of any system. Used by evaluators; stages score tokens (reward_models.h).
#pragma once

#include <string>
#include <vector>

#include "reward_head.h"
#include "shared_reading.h"
#include "temper/context.h"
#include "temper/dataset.h"

namespace temper::stages {

struct JudgedText {
  std::vector<Message> prompt;
  std::string answer;
};

class TextReward {
 public:
  /// A stage of the run that is evaluated. The context has to outlive this. Throws ConfigError if it kept no reward head.
  TextReward(EvalContext& context, const std::string& stage);
  /// A model from outside the run, which has to outlive this.
  TextReward(LentModel& lent, const std::string& reference);

  /// The combined reward of each answer, its end token included; a prompt that is too long loses its beginning. With a
  /// context, its processes share out the texts. Throws DataError if a reward is not finite.
  std::vector<double> score(const std::vector<JudgedText>& texts, EvalContext* context = nullptr) const;
  const RewardHead& head() const { return head_; }

 private:
  Architecture* model_;
  const Tokenizer* tokenizer_;
  RewardHead head_;
  ModelName name_;
};

/// Readers of stages of the run and of models from outside, in this order.
std::vector<TextReward> text_rewards(EvalContext& context, const std::vector<std::string>& stages,
                                     const std::vector<std::string>& references);
/// The mean over several readers.
std::vector<double> mean_reward(const std::vector<TextReward>& readers, const std::vector<JudgedText>& texts,
                                EvalContext* context = nullptr);

}  // namespace temper::stages
