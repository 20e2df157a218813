// Reward models in use (see reward_models.h).
#include "reward_models.h"

#include <ATen/ATen.h>

#include "shared_reading.h"

namespace temper::stages {

at::Tensor read_rewards(Architecture& model, const RewardHead& head, const std::vector<Dialogue>& dialogues,
                        std::int64_t pad_id, const Readers& readers) {
  return read_in_groups(model, dialogues, pad_id, head.weight_KD.size(0), readers,
                        [&](const Batch& batch) { return head.read(model.hidden(batch.input), batch.extra.at("last_N")); });
}

RewardModels::RewardModels(StageContext& context, const std::vector<std::string>& stages, const std::string& ensemble,
                           const std::string& prompt_template)
    : ensemble_(ensemble) {
  for (const auto& stage : stages) {
    const RewardHead& head = add(stage, load_head(context.kept(stage), stage), prompt_template);
    members_.back().read = [&model = context.frozen_model(stage), head, pad_id = context.tokenizer().pad_id(),
                            &ranks = context.communicator()](const std::vector<Dialogue>& dialogues) {
      return read_rewards(model, head, dialogues, pad_id, {&ranks, {}});
    };
  }
  if (members_.empty()) throw ConfigError("reward names no stage; name one of the plugin reward_model");
}

RewardModels::RewardModels(EvalContext& context, const std::vector<std::string>& stages, const std::string& ensemble,
                           const std::string& prompt_template)
    : ensemble_(ensemble) {
  for (const auto& stage : stages) {
    add(stage, load_head(context.kept(stage), stage), prompt_template);
    members_.back().read = [&context, stage](const std::vector<Dialogue>& dialogues) {
      return read_rewards(context, {stage, ""}, dialogues);
    };
  }
  if (members_.empty()) throw ConfigError("reward names no stage; name one of the plugin reward_model");
}

const RewardHead& RewardModels::add(const std::string& stage, RewardHead head, const std::string& prompt_template) {
  Member member{std::move(head), {}};
  if (member.head.prompt_template != prompt_template) {
    throw ConfigError("reward model '" + stage + "' was trained with template '" + member.head.prompt_template +
                      "', the policy speaks '" + prompt_template + "'; use one template for both");
  }
  if (!members_.empty() && member.head.dimensions != members_.front().head.dimensions) {
    throw ConfigError("reward model '" + stage +
                      "' has other dimensions than those before it; an ensemble needs equal ones");
  }
  return members_.emplace_back(std::move(member)).head;
}

AnswerScores RewardModels::score(const std::vector<Dialogue>& dialogues) const {
  std::vector<at::Tensor> combined, parts;
  for (const auto& member : members_) {
    const at::Tensor rewards_BK = member.read(dialogues);
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
