// Rejection sampling: each round the current policy answers prompts several times, reward models score the answers, and the
// best of each prompt are learnt as demonstrations. What SFT on the best does to a policy, without a policy gradient.
// Sources: Dong et al., "RAFT" (2023); Touvron et al., "Llama 2" (2023), section 3.2.3.
#pragma once

#include <cstdint>

#include "rollout_params.h"
#include "selection.h"
#include "temper/stage.h"

namespace temper::rejection_sampling {

/// `iterations` are the rounds, `minibatch_size` is batch_size; what policy gradients need of the rest is left alone.
stages::RolloutParams rollout_defaults();

struct Params {
  std::int64_t prompts_per_round = 64;
  std::int64_t samples_per_prompt = 8;
  std::int64_t keep = 1;
  double threshold = -1e30;
  bool finished_only = true;
  stages::RolloutParams rollout = rollout_defaults();
};
ParamTable<Params> params_table();

class RejectionSampling final : public Stage {
 public:
  explicit RejectionSampling(const Params& params);
  FitStatus run(StageContext& context) override;

 private:
  Params params_;
};

}  // namespace temper::rejection_sampling
