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

std::vector<double> TruthJudge::probabilities(const std::vector<stages::JudgedText>& texts, EvalContext* context) const {
  std::vector<double> all;
  for (std::size_t from = 0; from < texts.size(); from += kChunk) {
    if (context != nullptr && context->cancelled()) throw Cancelled("evaluator hallucination was stopped");
    const auto begin = texts.begin() + static_cast<std::ptrdiff_t>(from);
    const auto end = texts.begin() + static_cast<std::ptrdiff_t>(std::min(texts.size(), from + kChunk));
    for (const double log_odds : stages::mean_reward(readers_, {begin, end})) all.push_back(1 / (1 + std::exp(-log_odds)));
  }
  return all;
}

}  // namespace temper::hallucination
