// Sampling and scoring of rounds (see rollouts.h).
#include "rollouts.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <chrono>

#include "reading.h"
#include "temper/random.h"
#include "temper/template.h"

namespace temper::stages {
namespace {

using Clock = std::chrono::steady_clock;

MissingEos missing_eos(const std::string& name) {
  if (name == "subtract") return MissingEos::kSubtract;
  return name == "replace" ? MissingEos::kReplace : MissingEos::kNone;
}

std::vector<std::int64_t> row_lengths(const Batch& batch) {
  const at::Tensor last_B = batch.extra.at("last_B").contiguous();
  std::vector<std::int64_t> lengths(last_B.const_data_ptr<std::int64_t>(),
                                    last_B.const_data_ptr<std::int64_t>() + last_B.numel());
  for (auto& length : lengths) ++length;
  return lengths;
}

}  // namespace

std::vector<at::Tensor> by_parts(Communicator& ranks, c10::Device device, const Batch& batch, std::int64_t tokens,
                                 std::size_t count,
                                 const std::function<std::vector<at::Tensor>(const Batch& part)>& compute) {
  const at::NoGradGuard guard;
  const auto lengths = row_lengths(batch);
  std::vector<at::Tensor> all_BT;
  for (std::size_t i = 0; i < count; ++i) all_BT.push_back(at::zeros(batch.labels_BT.sizes(), at::kFloat));
  for (const auto& group : groups_of_rank(length_groups(lengths, tokens), &ranks)) {
    const at::Tensor rows = at::tensor(group, at::kLong);
    const auto values_BT = compute(to_device(select_rows(batch, rows), device));
    for (std::size_t i = 0; i < count; ++i) {
      all_BT[i].narrow(1, 0, values_BT[i].size(1)).index_copy_(0, rows, values_BT[i].to(at::kCPU));
    }
  }
  // Zeros where another process has values: the sum is exact.
  for (auto& each_BT : all_BT) ranks.all_reduce_sum(each_BT);
  return all_BT;
}

RolloutSource::RolloutSource(StageContext& context, const RolloutParams& params, const std::string& template_name,
                             std::int64_t answers_per_prompt)
    : context_(context),
      params_(params),
      answers_per_prompt_(answers_per_prompt),
      end_token_(end_token(template_name, context.tokenizer(), context.model().traits())),
      traits_(context.model().traits()),
      rewards_(context, params.reward, params.ensemble, template_name) {
  if (traits_.max_positions > 0 && params.context > traits_.max_positions) {
    throw ConfigError("context = " + std::to_string(params.context) + ": the model has " +
                      std::to_string(traits_.max_positions) + " positions");
  }
  const auto room = static_cast<std::size_t>(params.context - params.max_new_tokens);
  std::int64_t left_out = 0;
  for (const auto& prompt : prompts_of(context, params.prompts, params.prompt_source)) {
    auto ids = tokenize_prompt(template_name, prompt.messages, context.tokenizer(), traits_);
    if (ids.size() > room) {
      ++left_out;
      continue;
    }
    prompts_.push_back({render_prompt(template_name, prompt.messages, context.tokenizer()).text, std::move(ids)});
  }
  if (left_out > 0) {
    context.note(std::to_string(left_out) + " of " + std::to_string(prompts_.size() + static_cast<std::size_t>(left_out)) +
                 " prompts are longer than " + std::to_string(room) + " tokens and are left out");
  }
  if (prompts_.empty()) {
    throw DataError("every prompt is longer than context - max_new_tokens = " + std::to_string(room) +
                    " tokens; raise context");
  }
}

Rollouts RolloutSource::sample(std::int64_t iteration) {
  const auto start = Clock::now();
  const std::int64_t count = params_.answers_per_iteration / answers_per_prompt_;
  const auto size = static_cast<std::int64_t>(prompts_.size());
  std::vector<GenerateRequest> requests;
  std::vector<const Ready*> chosen;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t at = iteration * count + i;
    const std::uint64_t epoch_seed =
        derive_seed(derive_seed(context_.seed(), {"prompts"}), static_cast<std::uint64_t>(at / size));
    const Permutation order(static_cast<std::uint64_t>(size), epoch_seed);
    const Ready& prompt = prompts_[order(static_cast<std::uint64_t>(at % size))];
    for (std::int64_t k = 0; k < answers_per_prompt_; ++k) {
      const auto draw = static_cast<std::uint64_t>(at * answers_per_prompt_ + k);
      requests.push_back(
          {{prompt.ids.begin(), prompt.ids.end()}, derive_seed(derive_seed(context_.seed(), {"sampling"}), draw)});
      chosen.push_back(&prompt);
    }
  }
  SamplingParams sampling;
  sampling.max_new_tokens = params_.max_new_tokens;
  sampling.temperature = params_.temperature;
  sampling.weights = params_.rollout_weights;
  const auto completions = context_.generator().generate(requests, sampling);

  Rollouts rollouts;
  std::vector<std::int64_t> finished, lengths;
  for (std::size_t i = 0; i < completions.size(); ++i) {
    Dialogue dialogue{chosen[i]->ids, {completions[i].ids.begin(), completions[i].ids.end()}};
    if (completions[i].finished) dialogue.answer.push_back(end_token_);
    finished.push_back(completions[i].finished);
    lengths.push_back(static_cast<std::int64_t>(dialogue.answer.size()));
    rollouts.prompts.push_back(chosen[i]->text);
    rollouts.answers.push_back(completions[i].text);
    rollouts.dialogues.push_back(std::move(dialogue));
  }
  rollouts.finished_B = at::tensor(finished, at::kLong).to(at::kBool);
  rollouts.lengths_B = at::tensor(lengths, at::kLong);
  rollouts.batch = answer_batch(rollouts.dialogues, traits_, context_.tokenizer().pad_id());
  rollouts.mask_BT = rollouts.batch.labels_BT != kIgnoreLabel;
  score(rollouts);
  rollouts.rollout_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return rollouts;
}

void RolloutSource::score(Rollouts& rollouts) {
  rollouts.raw = rewards_.score(rollouts.dialogues);
  at::Tensor scores_B = penalise_missing_eos(rollouts.raw.scores_B, rollouts.finished_B, missing_eos(params_.missing_eos),
                                             params_.missing_eos_penalty);
  if (params_.length_penalty > 0) {
    LengthPenalty penalty;
    penalty.per_token = params_.length_penalty;
    penalty.free_tokens = params_.length_free;
    scores_B = scores_B - length_penalty(rollouts.lengths_B, penalty);
  }
  RewardShaping shaping;
  shaping.scale = params_.scale_rewards;
  if (params_.clip_rewards > 0) shaping.clip = params_.clip_rewards;
  rollouts.shaped = shape_scores(scores_B, shaping, seen_);
}

void RolloutSource::fill_log_probs(Rollouts& rollouts) const {
  Architecture& policy = context_.model();
  const auto read = [&](Architecture& model) {
    return by_parts(context_.communicator(), context_.device(), rollouts.batch, params_.micro_batch_tokens, 2,
                    [&](const Batch& part) {
                      const auto now = answer_log_probs(model.hidden(part.input), model, part, params_.temperature);
                      return std::vector<at::Tensor>{now.log_probs_BT, now.entropy_BT};
                    });
  };
  const auto of_policy = read(policy);
  rollouts.old_BT = of_policy[0];
  rollouts.entropy_BT = of_policy[1];
  context_.with_reference([&](Architecture& reference) {
    reference.train(false);
    rollouts.reference_BT = read(reference)[0];
  });
  rollouts.kl_BT = kl_values(rollouts.old_BT, rollouts.reference_BT, rollouts.mask_BT, kl_estimator(params_.kl_estimator));
}

void RolloutSource::save(StateDict& state) const { state.texts["reward_moments"] = seen_.save(); }

void RolloutSource::load(const StateDict& state) { seen_ = RunningMoments::restore(state.texts.at("reward_moments")); }

}  // namespace temper::stages
