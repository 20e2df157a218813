// Reward modelling: a model with a linear head learns what people think of answers. With pairs: Bradley-Terry over all pairs
// of a prompt, each prompt counted once, and a head that is normalised so that demonstrations average zero. With single
// labelled answers: binary cross-entropy, and a head whose reading is the log-odds that an answer is good (labelled.h).
// The reward is read at the answer's last token; the head is kept with the checkpoint.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "labelled.h"
#include "pairs.h"
#include "reward_head.h"
#include "temper/stage.h"

namespace temper::reward_model {

struct Params {
  std::string from;
  std::vector<std::string> data;
  std::string prompt_template;
  std::string loss = "bradley_terry";
  std::string head_start = "random";
  std::int64_t probe_rows = 4096;
  double probe_strength = 0.003;
  std::vector<std::string> dimensions;
  std::vector<std::string> dimension_weights;
  std::string combine = "weighted_sum";
  double centring = 0;
  std::string normalise = "mean";
  std::vector<std::string> demonstrations;
  std::int64_t demonstration_rows = 256;
  TrainParams train;
};
ParamTable<Params> params_table();

class RewardModel final : public Stage {
 public:
  explicit RewardModel(const Params& params) : params_(params) {}
  FitStatus run(StageContext& context) override;

 private:
  FitStatus learn_pairs(StageContext& context, const std::string& template_name);
  SummedLoss pair_loss(Architecture& model, const stages::RewardHead& head, const Batch& batch) const;
  void finish(StageContext& context, stages::RewardHead& head, const stages::GroupedPairs& train,
              const stages::GroupedPairs& held_out) const;
  std::vector<stages::Dialogue> demonstrations(StageContext& context, const std::string& template_name,
                                               const stages::GroupedPairs& train) const;

  Params params_;
};

}  // namespace temper::reward_model
