// Reward models in use (see reward_models.h).
#include "reward_models.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace temper::stages {
at::Tensor read_rewards(Architecture& model, const RewardHead& head, const std::vector<Dialogue>& dialogues,
                        std::int64_t pad_id) {
  const at::NoGradGuard guard;
  const bool was_training = model.is_training();
  model.train(false);
  const ArchitectureTraits traits = model.traits();
  std::vector<std::int64_t> lengths;
  for (const auto& dialogue : dialogues) {
    lengths.push_back(static_cast<std::int64_t>(dialogue.prompt.size() + dialogue.answer.size()));
  }
  at::Tensor rewards_BK = at::zeros({static_cast<std::int64_t>(dialogues.size()), head.weight_KD.size(0)});
  for (const auto& group : length_groups(lengths, kScoringTokens)) {
    std::vector<Dialogue> part;
    for (const auto index : group) part.push_back(dialogues[static_cast<std::size_t>(index)]);
    const Batch batch = to_device(answer_batch(part, traits, pad_id), model.device());
    const at::Tensor read_GK = head.read(model.hidden(batch.input), batch.extra.at("last_N"));
    rewards_BK.index_copy_(0, at::tensor(group, at::kLong), read_GK.to(at::kCPU));
  }
  model.train(was_training);
  return rewards_BK;
}

RewardModels::RewardModels(StageContext& context, const std::vector<std::string>& stages, const std::string& ensemble,
                           const std::string& prompt_template)
    : ensemble_(ensemble), pad_id_(context.tokenizer().pad_id()) {
  for (const auto& stage : stages) add(stage, context.frozen_model(stage), context.kept(stage), prompt_template);
  if (members_.empty()) throw ConfigError("reward names no stage; name one of the plugin reward_model");
}

RewardModels::RewardModels(EvalContext& context, const std::vector<std::string>& stages, const std::string& ensemble,
                           const std::string& prompt_template)
    : ensemble_(ensemble), pad_id_(context.tokenizer().pad_id()) {
  for (const auto& stage : stages) add(stage, context.frozen_model(stage), context.kept(stage), prompt_template);
  if (members_.empty()) throw ConfigError("reward names no stage; name one of the plugin reward_model");
}

void RewardModels::add(const std::string& stage, Architecture& model, const StateDict& kept,
                       const std::string& prompt_template) {
  Member member{&model, load_head(kept, stage)};
  if (member.head.prompt_template != prompt_template) {
    throw ConfigError("reward model '" + stage + "' was trained with template '" + member.head.prompt_template +
                      "', the policy speaks '" + prompt_template + "'; use one template for both");
  }
  if (!members_.empty() && member.head.dimensions != members_.front().head.dimensions) {
    throw ConfigError("reward model '" + stage +
                      "' has other dimensions than those before it; an ensemble needs equal ones");
  }
  members_.push_back(std::move(member));
}

AnswerScores RewardModels::score(const std::vector<Dialogue>& dialogues) const {
  std::vector<at::Tensor> combined, parts;
  for (const auto& member : members_) {
    const at::Tensor rewards_BK = read_rewards(*member.model, member.head, dialogues, pad_id_);
    combined.push_back(member.head.combined(rewards_BK));
    parts.push_back(rewards_BK);
  }
  AnswerScores scores;
  const at::Tensor all_MB = at::stack(combined);
  const at::Tensor deviation_B = all_MB.std(0, /*unbiased=*/false);
  scores.disagreement = deviation_B.mean().item<double>();
  scores.scores_B = all_MB.mean(0);
  if (ensemble_ == "minimum") scores.scores_B = all_MB.amin(0);
  if (ensemble_ == "mean_minus_deviation") scores.scores_B = scores.scores_B - deviation_B;
  scores.names = members_.front().head.dimensions;
  const at::Tensor mean_BK = at::stack(parts).mean(0);
  for (std::size_t k = 0; k < scores.names.size(); ++k) {
    scores.parts.push_back(mean_BK.select(1, static_cast<std::int64_t>(k)));
  }
  return scores;
}

}  // namespace temper::stages
