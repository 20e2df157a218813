// Parameter tables of training and the learning-rate schedule: one place for every stage that trains.
// Source of the cosine form: Loshchilov and Hutter, "SGDR" (2017), without restarts.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "temper/train.h"

namespace temper {

ParamTable<LoraParams> lora_params() {
  using P = LoraParams;
  ParamTable<P> table;
  table.add("lora_rank", &P::rank, "Rank of low-rank adapters; 0 trains all weights instead.", {.min = 0, .max = 65536});
  table.add("lora_alpha", &P::alpha, "Adapters count alpha/rank times.", {.min = 0, .max = 1e6});
  table.add("lora_targets", &P::targets,
            "Parts of the names of the matrices that get adapters; empty is every matrix but embeddings and heads.");
  return table;
}

ParamTable<TrainParams> train_params() {
  using P = TrainParams;
  ParamTable<P> table;
  table.add("steps", &P::steps, "Optimiser steps.", {.min = 0, .max = 1e9, .unit = "steps"});
  table.add("epochs", &P::epochs, "If above 0, replaces steps: passes over the training data.", {.min = 0, .max = 1e6});
  table.add("flops", &P::flops,
            "If above 0, replaces steps: floating-point operations of training; the last step is the one that reaches them.",
            {.min = 0, .max = 1e30, .unit = "flop"});
  table.add("batch_size", &P::batch_size, "Rows of one micro-batch.", {.min = 1, .max = 65536, .unit = "rows"});
  table.add("accumulation", &P::accumulation, "Micro-batches of one optimiser step, weighted by their target tokens.",
            {.min = 1, .max = 65536});
  table.add("context", &P::context, "Positions of one row.", {.min = 8, .max = 1 << 20, .unit = "tokens"});
  table.add("learning_rate", &P::learning_rate, "Peak learning rate.", {.min = 0, .max = 10});
  table.add("min_learning_rate_ratio", &P::min_learning_rate_ratio, "Learning rate at the end, as a share of the peak.",
            {.min = 0, .max = 1});
  table.add("schedule", &P::schedule, "Shape of the learning rate after warm-up.",
            {.choices = {"cosine", "linear", "constant"}});
  table.add("warmup_steps", &P::warmup_steps, "Steps of linear warm-up; the first step already has peak/warmup_steps.",
            {.min = 0, .max = 1e9, .unit = "steps"});
  table.add("weight_decay", &P::weight_decay, "Decoupled weight decay on matrices; norms and biases have none.",
            {.min = 0, .max = 10});
  table.add("beta1", &P::beta1, "AdamW decay of the first moment.", {.min = 0, .max = 0.999999});
  table.add("beta2", &P::beta2, "AdamW decay of the second moment.", {.min = 0, .max = 0.999999});
  table.add("epsilon", &P::epsilon, "AdamW epsilon, added outside the corrected root as PyTorch does.",
            {.min = 0, .max = 1});
  table.add("clip_norm", &P::clip_norm, "Global gradient norm is clipped to this; 0 is off.", {.min = 0, .max = 1e9});
  table.add("precision", &P::precision, "Arithmetic of matrix products; weights and optimiser stay float32.",
            {.choices = {"float32", "bfloat16"}});
  table.add("activation_checkpointing", &P::activation_checkpointing,
            "Keep only what enters each block of the model and compute the rest again in backward: less memory, more time, "
            "the same results.");
  table.add("shard_optimizer", &P::shard_optimizer,
            "Of a run in many processes: each keeps and updates its part of the optimiser's moments only (ZeRO-1).");
  table.add("log_every", &P::log_every, "Steps between two logged points.", {.min = 1, .max = 1e9, .unit = "steps"});
  table.add("validate_every", &P::validate_every, "Steps between validations; 0 is only at the end.",
            {.min = 0, .max = 1e9, .unit = "steps"});
  table.add("validation_batches", &P::validation_batches, "Batches of one validation; 0 is no validation.",
            {.min = 0, .max = 1e9});
  table.add("patience", &P::patience,
            "Stop early after this many validations without a better loss, and keep the best weights; 0 is off.",
            {.min = 0, .max = 1e6});
  table.add("checkpoint_every", &P::checkpoint_every, "Steps between resumable checkpoints; 0 is only at the end.",
            {.min = 0, .max = 1e9, .unit = "steps"});
  table.include(&P::lora, lora_params());
  table.require([](const P& p) { return p.epochs == 0 || p.flops == 0; },
                "epochs and flops both say when training ends; keep one of them");
  table.require([](const P& p) { return !p.shard_optimizer || p.lora.rank == 0; },
                "shard_optimizer splits the moments of all weights, but with lora_rank above 0 only small adapters train; "
                "keep one of them");
  table.require([](const P& p) { return p.patience == 0 || (p.validate_every > 0 && p.validation_batches > 0); },
                "patience needs validate_every and validation_batches above 0");
  return table;
}

double learning_rate_at(const TrainParams& params, std::int64_t step, std::int64_t total_steps) {
  const double peak = params.learning_rate, low = peak * params.min_learning_rate_ratio;
  if (step < params.warmup_steps) return peak * static_cast<double>(step + 1) / static_cast<double>(params.warmup_steps);
  if (params.schedule == "constant") return peak;
  const std::int64_t decay_steps = total_steps - params.warmup_steps;
  const double progress =
      decay_steps <= 0 ? 1.0
                       : std::min(1.0, static_cast<double>(step - params.warmup_steps) / static_cast<double>(decay_steps));
  if (params.schedule == "linear") return peak + (low - peak) * progress;
  return low + 0.5 * (peak - low) * (1 + std::cos(std::numbers::pi * progress));
}

}  // namespace temper
