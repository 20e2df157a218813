// Policy gradients without a critic: several answers to each prompt are each other's baseline. One loop, three methods that
// differ in the baseline and in how token losses are averaged; the README has the table.
// Sources: Shao et al., "DeepSeekMath" (2024) for GRPO; Liu et al., "Understanding R1-Zero-like training" (2025) for
// Dr. GRPO; Ahmadian et al., "Back to basics" (2024) for RLOO.
#include "temper/plugin.h"

#include <ATen/ATen.h>

#include "policy_loop.h"
#include "temper/stage.h"

namespace temper {
namespace {

using namespace stages;

RolloutParams grpo_defaults() {
  RolloutParams params;
  params.kl_in = "loss";
  params.kl_estimator = "k3";
  params.kl_gradient = "of_estimator";
  params.kl_coef = 0.04;
  params.epochs = 1;
  return params;
}

struct GrpoParams {
  std::string variant = "grpo";
  std::int64_t group_size = 8;
  std::string aggregation = "of_variant";
  RolloutParams rollout = grpo_defaults();
};

ParamTable<GrpoParams> grpo_params() {
  using P = GrpoParams;
  ParamTable<P> table;
  table.include(&P::rollout, rollout_params());
  table.add("variant", &P::variant, "Baseline and averaging: see the README.", {.choices = {"grpo", "dr_grpo", "rloo"}});
  table.add("group_size", &P::group_size, "Answers to each prompt.", {.min = 2, .max = 10000, .unit = "answers"});
  table.add("aggregation", &P::aggregation, "How token losses are averaged; of_variant is what the method's paper does.",
            {.choices = {"of_variant", "token_mean", "sequence_mean", "constant_length"}});
  table.require([](const P& p) { return p.rollout.answers_per_iteration % p.group_size == 0; },
                "answers_per_iteration is no multiple of group_size");
  table.require([](const P& p) { return p.rollout.kl_in == "loss" || p.rollout.kl_coef == 0 || p.variant == "rloo"; },
                "only rloo takes the divergence into the reward; set kl_in: loss");
  return table;
}

Aggregation aggregation_of(const GrpoParams& params) {
  std::string name = params.aggregation;
  if (name == "of_variant") name = params.variant == "dr_grpo" ? "constant_length" : "sequence_mean";
  if (name == "token_mean") return Aggregation::kTokenMean;
  return name == "sequence_mean" ? Aggregation::kSequenceMean : Aggregation::kConstantLength;
}

class Grpo final : public Stage {
 public:
  explicit Grpo(const GrpoParams& params) : params_(params) {}

  FitStatus run(StageContext& context) override {
    const std::string template_name = choose_template(context, params_.rollout.prompt_template);
    PolicyAlgorithm algorithm;
    algorithm.answers_per_prompt = params_.group_size;
    algorithm.aggregation = aggregation_of(params_);
    algorithm.metrics = {
        {"group_deviation", "", "Mean deviation of scores within a prompt's answers; 0 teaches nothing.", Better::kHigher}};
    algorithm.advantages = [&](Rollouts& rollouts, double kl_coef) { return advantages(rollouts, kl_coef); };
    return run_policy_loop(context, params_.rollout, algorithm, template_name);
  }

 private:
  std::map<std::string, double> advantages(Rollouts& rollouts, double kl_coef) const {
    at::Tensor scores_B = rollouts.shaped.scores_B;
    // The answer as one action: its divergence is part of its reward, as RLOO has it.
    if (kl_coef > 0) scores_B = scores_B - rollouts.kl_BT.sum(1) * kl_coef;
    const GroupBaseline baseline = params_.variant == "grpo"      ? GroupBaseline::kGrpo
                                   : params_.variant == "dr_grpo" ? GroupBaseline::kDrGrpo
                                                                  : GroupBaseline::kRloo;
    const at::Tensor advantages_B = group_advantages(scores_B, params_.group_size, baseline);
    rollouts.advantages_BT = advantages_B.unsqueeze(1) * rollouts.mask_BT.to(advantages_B.scalar_type());
    const double deviation = scores_B.view({-1, params_.group_size}).std(1, /*unbiased=*/true).mean().item<double>();
    return {{"group_deviation", deviation}};
  }

  GrpoParams params_;
};

}  // namespace
}  // namespace temper

TEMPER_PLUGIN("grpo", "0.1.0") {
  using namespace temper;
  registrar.add<Stage>("grpo", "Policy gradients with groups of answers as baseline (GRPO, Dr. GRPO, RLOO).", grpo_params(),
                       [](const GrpoParams& params, const Stage::Args&) { return std::make_unique<Grpo>(params); });
}
