// The table of rollout parameters (see rollout_params.h).
#include "rollout_params.h"

#include "temper/template.h"

namespace temper::stages {
namespace {

using P = RolloutParams;

void add_sources(ParamTable<P>& table) {
  std::vector<std::string> templates = template_names();
  templates.insert(templates.begin(), "");
  table.stage("from", &P::from, "Stage whose model is the policy's start, and the reference.", {.required = true});
  table.stages("reward", &P::reward, "Stages of the plugin reward_model that score answers; several are an ensemble.",
               {.required = true});
  table.add("ensemble", &P::ensemble, "What several reward models make of an answer.",
            {.choices = {"mean", "minimum", "mean_minus_deviation"}});
  table.datasets("prompts", &P::prompts, "Datasets whose prompts are answered.", {.required = true});
  table.add("prompt_source", &P::prompt_source, "Which rows of the datasets give the prompts.",
            {.choices = {"instructions", "preferences"}});
  table.add("template", &P::prompt_template, "How a conversation is written; empty is what the policy was tuned with.",
            {.choices = templates});
}

void add_sampling(ParamTable<P>& table) {
  table.add("iterations", &P::iterations, "Rounds of sampling and learning.", {.min = 0, .max = 1e9});
  table.add("answers_per_iteration", &P::answers_per_iteration, "Answers sampled in a round.",
            {.min = 1, .max = 1e6, .unit = "answers"});
  table.add("minibatch_size", &P::minibatch_size, "Answers of one optimiser step.",
            {.min = 1, .max = 1e6, .unit = "answers"});
  table.add("micro_batch_tokens", &P::micro_batch_tokens,
            "Padded positions of one forward and backward pass; memory, not results, depends on it.",
            {.min = 16, .max = 1e7, .unit = "tokens"});
  table.add("epochs", &P::epochs, "Passes over a round's answers.", {.min = 1, .max = 1000});
  table.add("context", &P::context, "Longest prompt and answer together; longer prompts are left out.",
            {.min = 8, .max = 1 << 20, .unit = "tokens"});
  table.add("max_new_tokens", &P::max_new_tokens, "Longest answer.", {.min = 1, .max = 1 << 20, .unit = "tokens"});
  table.add("temperature", &P::temperature, "Sampling temperature, also of all log-probabilities in the losses.",
            {.min = 0.01, .max = 100});
  table.add("rollout_weights", &P::rollout_weights, "Weights while sampling; int8 is faster and slightly off-policy.",
            {.choices = {"float32", "int8"}});
}

void add_optimizer(ParamTable<P>& table) {
  table.add("learning_rate", &P::learning_rate, "Peak learning rate.", {.min = 0, .max = 10});
  table.add("min_learning_rate_ratio", &P::min_learning_rate_ratio, "Learning rate at the end, as a share of the peak.",
            {.min = 0, .max = 1});
  table.add("schedule", &P::schedule, "Shape of the learning rate over iterations.",
            {.choices = {"linear", "cosine", "constant"}});
  table.add("warmup_iterations", &P::warmup_iterations, "Iterations of linear warm-up.", {.min = 0, .max = 1e9});
  table.add("weight_decay", &P::weight_decay, "Decoupled weight decay on matrices.", {.min = 0, .max = 10});
  table.add("beta1", &P::beta1, "AdamW decay of the first moment.", {.min = 0, .max = 0.999999});
  table.add("beta2", &P::beta2, "AdamW decay of the second moment.", {.min = 0, .max = 0.999999});
  table.add("epsilon", &P::epsilon, "AdamW epsilon, added outside the corrected root as PyTorch does.",
            {.min = 0, .max = 1});
  table.add("clip_norm", &P::clip_norm, "Global gradient norm is clipped to this; 0 is off.", {.min = 0, .max = 1e9});
  table.add("activation_checkpointing", &P::activation_checkpointing,
            "Keep only what enters each block of the policy and compute the rest again in backward: less memory, more time, "
            "the same results.");
  table.add("shard_optimizer", &P::shard_optimizer,
            "Of a run in many processes: each keeps and updates its part of the optimiser's moments only (ZeRO-1).");
  table.include(&P::lora, lora_params());
  table.require([](const P& p) { return !p.shard_optimizer || p.lora.rank == 0; },
                "shard_optimizer splits the moments of all weights, but with lora_rank above 0 only small adapters train; "
                "keep one of them");
}

void add_loss(ParamTable<P>& table) {
  table.add("clip_low", &P::clip_low, "The ratio is clipped at 1 minus this.", {.min = 0, .max = 1});
  table.add("clip_high", &P::clip_high, "The ratio is clipped at 1 plus this.", {.min = 0, .max = 100});
  table.add("entropy_coef", &P::entropy_coef, "Weight of the policy's entropy, which is raised.", {.min = 0, .max = 10});
  table.add("kl_coef", &P::kl_coef, "Weight of the divergence from the reference, its first value if kl_target is set.",
            {.min = 0, .max = 100});
  table.add("kl_estimator", &P::kl_estimator, "Estimator of the divergence per token, used and logged.",
            {.choices = {"k1", "abs", "k2", "k3"}});
  table.add("kl_in", &P::kl_in, "Whether the divergence is a penalty in each token's reward or a term of the loss.",
            {.choices = {"reward", "loss"}});
  table.add(
      "kl_gradient", &P::kl_gradient,
      "With kl_in: loss, the gradient: of the reverse divergence whatever the estimator, or of the estimator's formula.",
      {.choices = {"reverse_kl", "of_estimator"}});
  table.add("kl_target", &P::kl_target, "Divergence per answer that an adaptive kl_coef aims at; 0 keeps kl_coef fixed.",
            {.min = 0, .max = 1e6, .unit = "nats"});
  table.add("kl_horizon", &P::kl_horizon, "Answers over which an adaptive kl_coef reacts.", {.min = 1, .max = 1e9});
  table.add("stop_kl", &P::stop_kl,
            "A round's learning ends early when the divergence from its start is above this per token; 0 is off.",
            {.min = 0, .max = 1e6, .unit = "nats"});
  table.add("max_kl", &P::max_kl, "The run has diverged when the divergence per answer is above this; 0 is off.",
            {.min = 0, .max = 1e9, .unit = "nats"});
}

void add_rewards(ParamTable<P>& table) {
  table.add("missing_eos", &P::missing_eos, "What an answer without an end costs: nothing, the penalty, or its whole score.",
            {.choices = {"none", "subtract", "replace"}});
  table.add("missing_eos_penalty", &P::missing_eos_penalty, "Subtracted from the score, or put in its place as minus this.",
            {.min = 0, .max = 1e6});
  table.add("length_penalty", &P::length_penalty, "Cost of each answer token beyond length_free.", {.min = 0, .max = 1e6});
  table.add("length_free", &P::length_free, "Answer tokens that cost nothing.", {.min = 0, .max = 1e6, .unit = "tokens"});
  table.add("scale_rewards", &P::scale_rewards, "Divide scores by their running standard deviation.");
  table.add("clip_rewards", &P::clip_rewards, "Scores are clipped to plus and minus this, after scaling; 0 is off.",
            {.min = 0, .max = 1e6});
}

void add_rest(ParamTable<P>& table) {
  table.datasets("ptx_data", &P::ptx_data, "Datasets whose documents are mixed in (PPO-ptx).");
  table.plugin("ptx_objective", &P::ptx_objective, "objective", "What is learnt from a mixed-in document.");
  table.add("ptx_coef", &P::ptx_coef, "Weight of the mixed-in loss in each optimiser step.", {.min = 0, .max = 1000});
  table.add("ptx_batch_size", &P::ptx_batch_size, "Mixed-in rows of one optimiser step.",
            {.min = 1, .max = 65536, .unit = "rows"});
  table.add("samples_every", &P::samples_every, "Iterations between answers shown in the record; 0 is never.",
            {.min = 0, .max = 1e9});
  table.add("samples", &P::samples, "How many answers are shown.", {.min = 1, .max = 10000});
  table.add("checkpoint_every", &P::checkpoint_every, "Iterations between resumable checkpoints; 0 is only when stopped.",
            {.min = 0, .max = 1e9});
  table.require([](const P& p) { return p.minibatch_size <= p.answers_per_iteration; },
                "minibatch_size is larger than answers_per_iteration");
  table.require([](const P& p) { return p.max_new_tokens < p.context; },
                "max_new_tokens leaves no room for a prompt in context");
  table.require([](const P& p) { return (p.ptx_coef > 0) == !p.ptx_data.empty(); },
                "ptx_data and ptx_coef belong together: set both or neither");
  table.require([](const P& p) { return !(p.kl_in == "loss" && p.kl_gradient == "of_estimator" && p.kl_estimator == "k1"); },
                "k1 differentiated as a loss term penalises nothing; use kl_gradient: reverse_kl, another estimator, or "
                "kl_in: reward");
}

}  // namespace

ParamTable<RolloutParams> rollout_params() {
  ParamTable<P> table;
  add_sources(table);
  add_sampling(table);
  add_optimizer(table);
  add_loss(table);
  add_rewards(table);
  add_rest(table);
  return table;
}

TrainParams optimizer_params(const RolloutParams& params) {
  TrainParams train;
  train.steps = params.iterations;
  train.learning_rate = params.learning_rate;
  train.min_learning_rate_ratio = params.min_learning_rate_ratio;
  train.schedule = params.schedule;
  train.warmup_steps = params.warmup_iterations;
  train.weight_decay = params.weight_decay;
  train.beta1 = params.beta1;
  train.beta2 = params.beta2;
  train.epsilon = params.epsilon;
  train.clip_norm = params.clip_norm;
  train.context = params.context;
  train.batch_size = params.ptx_batch_size;
  train.activation_checkpointing = params.activation_checkpointing;
  train.shard_optimizer = params.shard_optimizer;
  train.lora = params.lora;
  return train;
}

KlEstimator kl_estimator(const std::string& name) {
  if (name == "k1") return KlEstimator::kK1;
  if (name == "abs") return KlEstimator::kAbs;
  return name == "k2" ? KlEstimator::kK2 : KlEstimator::kK3;
}

}  // namespace temper::stages
