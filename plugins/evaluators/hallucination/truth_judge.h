// A trained judge of single answers: question and answer in, the probability that the answer is good (truthful, informative)
// out. It is a reward model that learnt with `loss: binary`, so its reward is the log-odds, or a text classifier that reads
// the answer alone. Used by hallucination.cpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "temper/text_classifier.h"
#include "text_reward.h"

namespace temper::hallucination {

class TruthJudge {
 public:
  /// Models from outside the run and stages of it; the log-odds of all judges are averaged. Throws ConfigError for a head
  /// that learnt from pairs: its rewards are no probabilities.
  void add(ModelLender& models, const std::string& reference);
  void add(EvalContext& context, const std::string& stage);
  /// A file of `temper classifier train`; `label` is that of good answers. Throws DataError if it has no such label.
  void add(const std::string& classifier_file, std::string label);
  bool empty() const { return readers_.empty() && classifier_ == nullptr; }
  /// In order. A judge reads in chunks, so that Ctrl-C ends it soon; with a `context`, its processes share out each.
  std::vector<double> probabilities(const std::vector<stages::JudgedText>& texts, EvalContext* context = nullptr) const;

 private:
  std::vector<stages::TextReward> readers_;
  std::shared_ptr<const TextClassifier> classifier_;
  std::string label_;
};

}  // namespace temper::hallucination
