// Proximal policy optimisation from a learnt reward: answers are sampled, scored at their last token, advantages come from a
// critic, and the policy moves within a clipped ratio, held near the model that it started from.
// Sources: Schulman et al., "Proximal policy optimization" (2017); Ziegler et al. (2019); Stiennon et al. (2020); Ouyang et
// al. (2022) for the pretraining mix.
// Shapes: B answers, T positions, D width.
#include "temper/plugin.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <optional>

#include "policy_loop.h"
#include "temper/policy_gradient.h"
#include "temper/random.h"
#include "temper/stage.h"

namespace temper {
namespace {

using namespace stages;

struct PpoParams {
  std::string critic = "model";
  std::string critic_from;
  double gamma = 1, lambda = 0.95;
  double value_coef = 0.1;
  double value_clip = 0.2;
  bool whiten_rewards = false;
  bool whiten_advantages = true;
  bool bootstrap_truncated = true;
  RolloutParams rollout;
};

ParamTable<PpoParams> ppo_params() {
  using P = PpoParams;
  ParamTable<P> table;
  table.include(&P::rollout, rollout_params());
  table.add("critic", &P::critic, "Who estimates values: a model of its own, or a head on the policy's hidden states.",
            {.choices = {"model", "head"}});
  table.stage("critic_from", &P::critic_from,
              "Stage whose weights the critic starts from; empty is the first reward model. Only with critic: model.");
  table.add("gamma", &P::gamma, "Discount of later rewards, per token.", {.min = 0, .max = 1});
  table.add("lambda", &P::lambda, "Decay of the advantage estimate, per token.", {.min = 0, .max = 1});
  table.add("value_coef", &P::value_coef, "Weight of the critic's loss.", {.min = 0, .max = 1000});
  table.add("value_clip", &P::value_clip, "New values are clipped to this distance from old ones; 0 is off.",
            {.min = 0, .max = 1e6});
  table.add("whiten_rewards", &P::whiten_rewards, "Rewards per token are brought to deviation 1, their mean kept.");
  table.add("whiten_advantages", &P::whiten_advantages,
            "Advantages are brought to mean 0 and deviation 1 over real tokens.");
  table.add("bootstrap_truncated", &P::bootstrap_truncated,
            "An answer cut at max_new_tokens goes on in the critic's eyes; false treats it as finished.");
  table.require([](const P& p) { return p.critic_from.empty() || p.critic == "model"; },
                "critic_from is only of use with critic: model");
  return table;
}

/// Values at every position, from a model of its own or from the policy's hidden states.
class Critic {
 public:
  Critic(StageContext& context, const PpoParams& params) {
    const std::uint64_t seed = derive_seed(context.seed(), {"critic"});
    if (params.critic == "model") {
      const std::string stage = params.critic_from.empty() ? params.rollout.reward.front() : params.critic_from;
      model_ = context.trainable_copy(stage);
      model_->train(false);
      for (auto& parameter : model_->parameters()) {
        // A tied or frozen policy weight is none of the critic's business: it trains all of its own.
        parameter.tensor.set_requires_grad(true);
        parameters_.push_back({"critic." + parameter.name, parameter.tensor, parameter.decay});
      }
      start_from_reward(context, stage);
    }
    if (!weight_1D_.defined()) {
      const std::int64_t width = model_ ? model_->traits().width : context.model().traits().width;
      weight_1D_ = fresh_value_weight(width, seed);
      bias_1_ = at::zeros({1}, at::kFloat);
    }
    weight_1D_ = weight_1D_.to(context.device()).requires_grad_();
    bias_1_ = bias_1_.to(context.device()).requires_grad_();
    parameters_.push_back({"value_head.weight", weight_1D_, false});
    parameters_.push_back({"value_head.bias", bias_1_, false});
  }

  const std::vector<NamedParameter>& parameters() const { return parameters_; }
  bool has_model() const { return model_ != nullptr; }

  /// Differentiable; `policy_BTD` is used by a critic that is a head.
  at::Tensor values(const Batch& batch, const at::Tensor& policy_BTD) const {
    const at::Tensor hidden_BTD = model_ ? model_->hidden(batch.input) : policy_BTD;
    return at::linear(hidden_BTD, weight_1D_, bias_1_).squeeze(2);
  }

 private:
  /// A critic that begins as the reward model begins with its head, for values of the combined reward.
  void start_from_reward(StageContext& context, const std::string& stage) {
    const StateDict extras = context.kept(stage);
    if (extras.texts.count("reward_head") == 0) return;
    const RewardHead head = load_head(extras, stage);
    const at::Tensor weights_K = at::tensor(head.weights, at::kFloat);
    weight_1D_ = at::matmul(weights_K, head.weight_KD).unsqueeze(0).clone();
    bias_1_ = (weights_K * head.bias_K).sum().view({1}).clone();
  }

  std::unique_ptr<Architecture> model_;
  at::Tensor weight_1D_, bias_1_;
  std::vector<NamedParameter> parameters_;
};

class Ppo final : public Stage {
 public:
  explicit Ppo(const PpoParams& params) : params_(params) {}

  FitStatus run(StageContext& context) override {
    const std::string template_name = choose_template(context, params_.rollout.prompt_template);
    const Critic critic(context, params_);
    PolicyAlgorithm algorithm;
    algorithm.extra = critic.parameters();
    algorithm.metrics = {
        {"value_loss", "", "Critic's clipped half squared error, mean over updates.", Better::kLower},
        {"value_clip_fraction", "", "Share of tokens whose clipped value error is the larger one.", Better::kLower},
        {"explained_variance", "", "Share of the returns' variance that the critic explains.", Better::kHigher},
        {"value", "", "Mean value of the critic when the round began.", Better::kNeither},
        {"return", "", "Mean return per token.", Better::kHigher}};
    algorithm.advantages = [&](Rollouts& rollouts, double kl_coef) {
      return advantages(context, critic, rollouts, kl_coef);
    };
    algorithm.extra_loss = [&](const UpdatePart& part, std::map<std::string, double>& metrics) {
      return critic_loss(critic, part, metrics);
    };
    return run_policy_loop(context, params_.rollout, algorithm, template_name);
  }

 private:
  std::map<std::string, double> advantages(StageContext& context, const Critic& critic, Rollouts& rollouts,
                                           double kl_coef) const {
    Architecture& policy = context.model();
    const auto read = [&](const Batch& part) {
      return std::vector<at::Tensor>{critic.values(part, critic.has_model() ? at::Tensor() : policy.hidden(part.input))};
    };
    const at::Tensor values_BT =
        by_parts(context.communicator(), context.device(), rollouts.batch, params_.rollout.micro_batch_tokens, 1, read)
            .front();
    rollouts.values_BT = values_BT * rollouts.mask_BT;
    if (params_.bootstrap_truncated) {
      // The last real position has read the whole answer: its value is that of going on.
      const at::Tensor last_B1 = rollouts.batch.extra.at("last_B").unsqueeze(1);
      rollouts.bootstrap_B = values_BT.gather(1, last_B1).squeeze(1) * rollouts.finished_B.logical_not();
    }
    at::Tensor rewards_BT = token_rewards(rollouts.shaped.scores_B, rollouts.kl_BT, rollouts.mask_BT, kl_coef);
    if (params_.whiten_rewards) rewards_BT = whiten(rewards_BT, rollouts.mask_BT, Whitening::kKeepMean);
    const Advantages both = generalised_advantages(rewards_BT, rollouts.values_BT, rollouts.mask_BT, params_.gamma,
                                                   params_.lambda, rollouts.bootstrap_B);
    rollouts.returns_BT = both.returns_BR;
    rollouts.advantages_BT = params_.whiten_advantages ? whiten(both.advantages_BR, rollouts.mask_BT) : both.advantages_BR;
    std::map<std::string, double> metrics;
    metrics["value"] = masked_mean(rollouts.values_BT, rollouts.mask_BT).item<double>();
    metrics["return"] = masked_mean(rollouts.returns_BT, rollouts.mask_BT).item<double>();
    if (const auto explained = explained_variance(rollouts.values_BT, rollouts.returns_BT, rollouts.mask_BT)) {
      metrics["explained_variance"] = *explained;
    }
    return metrics;
  }

  at::Tensor critic_loss(const Critic& critic, const UpdatePart& part, std::map<std::string, double>& metrics) const {
    const at::Tensor values_BT = critic.values(part.batch, part.hidden_BTD);
    const at::Tensor old_BT = part.take(part.rollouts.values_BT), returns_BT = part.take(part.rollouts.returns_BT);
    std::optional<double> clip;
    if (params_.value_clip > 0) clip = params_.value_clip;
    const at::Tensor loss =
        aggregate(value_loss(values_BT, old_BT, returns_BT, part.mask_BT, clip), part.mask_BT, Aggregation::kTokenMean).sum /
        part.tokens;
    metrics["value_loss"] += loss.item<double>();
    if (clip) {
      const double share = part.mask_BT.sum().item<double>() / part.tokens;
      metrics["value_clip_fraction"] +=
          value_clip_fraction(values_BT.detach(), old_BT, returns_BT, part.mask_BT, *clip) * share;
    }
    return loss * params_.value_coef;
  }

  PpoParams params_;
};

}  // namespace
}  // namespace temper

TEMPER_PLUGIN("ppo", "0.1.0") {
  using namespace temper;
  registrar.add<Stage>("ppo", "Proximal policy optimisation against learnt rewards.", ppo_params(),
                       [](const PpoParams& params, const Stage::Args&) { return std::make_unique<Ppo>(params); });
}
