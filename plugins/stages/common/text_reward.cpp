// Reading texts with reward models (see text_reward.h).
#include "text_reward.h"

#include <ATen/ATen.h>

#include <cmath>

#include "dialogues.h"
#include "reward_models.h"

namespace temper::stages {

TextReward::TextReward(EvalContext& context, const std::string& stage)
    : model_(&context.frozen_model(stage)),
      tokenizer_(&context.tokenizer()),
      head_(load_head(context.kept(stage), stage)),
      name_{stage, ""} {}

TextReward::TextReward(LentModel& lent, const std::string& reference)
    : model_(&lent.model), tokenizer_(&lent.tokenizer), head_(load_head(lent.kept, reference)), name_{"", reference} {}

std::vector<double> TextReward::score(const std::vector<JudgedText>& texts, EvalContext* context) const {
  const ArchitectureTraits traits = model_->traits();
  std::vector<Dialogue> dialogues;
  for (const auto& text : texts) {
    dialogues.push_back(tokenize(head_.prompt_template, text.prompt, text.answer, *tokenizer_, traits));
    if (traits.max_positions > 0) fit_to(dialogues.back(), traits.max_positions, traits);
  }
  if (dialogues.empty()) return {};
  const at::Tensor rewards_BK = context != nullptr ? read_rewards(*context, name_, dialogues)
                                                   : read_rewards(*model_, head_, dialogues, tokenizer_->pad_id());
  const at::Tensor scores_B = head_.combined(rewards_BK).to(at::kDouble).contiguous();
  const double* values = scores_B.const_data_ptr<double>();
  std::vector<double> scores(values, values + scores_B.numel());
  for (const double score : scores) {
    if (!std::isfinite(score))
      throw DataError("reward model '" + name_.stage + name_.reference +
                      "' gave a score that is not finite; it has diverged");
  }
  return scores;
}

std::vector<TextReward> text_rewards(EvalContext& context, const std::vector<std::string>& stages,
                                     const std::vector<std::string>& references) {
  std::vector<TextReward> readers;
  for (const auto& stage : stages) readers.emplace_back(context, stage);
  for (const auto& reference : references) readers.emplace_back(context.models().model(reference), reference);
  return readers;
}

std::vector<double> mean_reward(const std::vector<TextReward>& readers, const std::vector<JudgedText>& texts,
                                EvalContext* context) {
  std::vector<double> mean(texts.size(), 0.0);
  for (const auto& reader : readers) {
    const auto scores = reader.score(texts, context);
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += scores[i] / static_cast<double>(readers.size());
  }
  return mean;
}

}  // namespace temper::stages
