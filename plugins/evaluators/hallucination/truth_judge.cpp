// Reading answers with a trained judge (see truth_judge.h).
#include "truth_judge.h"

#include <algorithm>
#include <cmath>

namespace temper::hallucination {
namespace {

/// What the stage reward_model keeps beside a head that learnt from labelled answers.
constexpr const char* kLossText = "reward_loss";
constexpr std::size_t kChunk = 256;

void check_binary(const StateDict& kept, const std::string& name) {
  const auto loss = kept.texts.find(kLossText);
  if (loss != kept.texts.end() && loss->second == "binary") return;
  throw ConfigError("judge '" + name +
                    "' learnt from pairs (or is no reward model), so its reward is no probability; train it with the stage "
                    "reward_model and loss: binary");
}

}  // namespace

void TruthJudge::add(ModelLender& models, const std::string& reference) {
  LentModel& lent = models.model(reference);
  check_binary(lent.kept, reference);
  readers_.emplace_back(lent, reference);
}

void TruthJudge::add(EvalContext& context, const std::string& stage) {
  check_binary(context.kept(stage), stage);
  readers_.emplace_back(context, stage);
}

void TruthJudge::add(const std::string& classifier_file, std::string label) {
  auto classifier = std::make_shared<TextClassifier>(TextClassifier::load(classifier_file));
  classifier->label_index(label);
  classifier_ = std::move(classifier);
  label_ = std::move(label);
}

std::vector<double> TruthJudge::probabilities(const std::vector<stages::JudgedText>& texts, EvalContext* context) const {
  constexpr double kSmallest = 1e-12;
  const auto judges = static_cast<double>(readers_.size() + (classifier_ == nullptr ? 0 : 1));
  std::vector<double> all;
  for (std::size_t from = 0; from < texts.size(); from += kChunk) {
    if (context != nullptr && context->cancelled()) throw Cancelled("evaluator hallucination was stopped");
    const auto begin = texts.begin() + static_cast<std::ptrdiff_t>(from);
    const auto end = texts.begin() + static_cast<std::ptrdiff_t>(std::min(texts.size(), from + kChunk));
    const std::vector<stages::JudgedText> part(begin, end);
    std::vector<double> log_odds(part.size(), 0);
    if (!readers_.empty()) {
      log_odds = stages::mean_reward(readers_, part, context);
      for (double& value : log_odds) value *= static_cast<double>(readers_.size());
    }
    for (std::size_t i = 0; i < part.size() && classifier_ != nullptr; ++i) {
      const double p = std::clamp(classifier_->probability(part[i].answer, label_), kSmallest, 1 - kSmallest);
      log_odds[i] += std::log(p / (1 - p));
    }
    for (const double value : log_odds) all.push_back(1 / (1 + std::exp(-value / judges)));
  }
  return all;
}

}  // namespace temper::hallucination
