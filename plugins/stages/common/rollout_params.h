// Parameters that stages learning from sampled answers share: prompts, sampling, rewards, the reference, the loop.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temper/params.h"
#include "temper/policy_gradient.h"
#include "temper/train.h"

namespace temper::stages {

struct RolloutParams {
  std::string from;
  std::vector<std::string> reward;
  std::string ensemble = "mean";
  std::vector<std::string> prompts;
  std::string prompt_source = "instructions";
  std::string prompt_template;

  std::int64_t iterations = 50;
  std::int64_t answers_per_iteration = 64;
  std::int64_t minibatch_size = 16;
  std::int64_t micro_batch_tokens = 4096;
  std::int64_t epochs = 4;
  std::int64_t context = 256;
  std::int64_t max_new_tokens = 64;
  double temperature = 1;
  std::string rollout_weights = "float32";

  double learning_rate = 1e-5;
  double min_learning_rate_ratio = 0.1;
  std::string schedule = "linear";
  std::int64_t warmup_iterations = 0;
  double weight_decay = 0;
  double beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8;
  double clip_norm = 1;
  bool activation_checkpointing = false;
  bool shard_optimizer = false;
  LoraParams lora;

  double clip_low = 0.2, clip_high = 0.2;
  double entropy_coef = 0;
  double kl_coef = 0.1;
  std::string kl_estimator = "k1";
  std::string kl_in = "reward";
  std::string kl_gradient = "reverse_kl";
  double kl_target = 0;
  double kl_horizon = 10000;
  double stop_kl = 0;
  double max_kl = 0;

  std::string missing_eos = "none";
  double missing_eos_penalty = 1;
  double length_penalty = 0;
  std::int64_t length_free = 0;
  bool scale_rewards = false;
  double clip_rewards = 0;

  std::vector<std::string> ptx_data;
  std::string ptx_objective = "causal_lm";
  double ptx_coef = 0;
  std::int64_t ptx_batch_size = 8;

  std::int64_t samples_every = 10;
  std::int64_t samples = 4;
  std::int64_t checkpoint_every = 10;
};

ParamTable<RolloutParams> rollout_params();
/// The optimiser's part, steps being iterations.
TrainParams optimizer_params(const RolloutParams& params);
KlEstimator kl_estimator(const std::string& name);

}  // namespace temper::stages
