// A trained judge of single answers: question and answer in, the probability that the answer is good (truthful, informative)
// out. It is a reward model that learnt with `loss: binary`, so its reward is the log-odds. Used by hallucination.cpp.
#pragma once

#include <string>
#include <vector>

#include "text_reward.h"

namespace temper::hallucination {

class TruthJudge {
 public:
  /// Models from outside the run and stages of it; their log-odds are averaged. Throws ConfigError for a head that learnt
  /// from pairs: its rewards are no probabilities.
  void add(ModelLender& models, const std::string& reference);
  void add(EvalContext& context, const std::string& stage);
  bool empty() const { return readers_.empty(); }
  /// In order. A judge reads in chunks, so that Ctrl-C ends it soon; `context` may be null.
  std::vector<double> probabilities(const std::vector<stages::JudgedText>& texts, EvalContext* context = nullptr) const;

 private:
  std::vector<stages::TextReward> readers_;
};

}  // namespace temper::hallucination
