// Kahneman-Tversky optimisation: answers marked good or bad, no pairs needed. A good answer gains as its implicit reward
// rises above a baseline, a bad one as it falls below; the baseline is the divergence from the reference, measured on
// answers to other prompts. The reference reads everything once, before training. Source: Ethayarajh et al., "KTO" (2024);
// as TRL has it. Shapes: B rows of a batch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rows.h"
#include "temper/preference.h"
#include "temper/stage.h"

namespace temper::kto {

struct Params {
  std::string from;
  std::vector<std::string> data;
  std::string prompt_template;
  KtoSettings settings;
  TrainParams train;
};
ParamTable<Params> params_table();

/// Summed log-probabilities of the batch's answers, differentiable.
at::Tensor policy_sums(Architecture& model, const Batch& batch, std::int64_t rows);
/// Collective. Of the mismatched rows of all processes' parts of a batch, put together in their order; a process without
/// rows gives undefined tensors.
at::Tensor baseline_of_all(const at::Tensor& policy_mismatched_B, const at::Tensor& reference_mismatched_B,
                           Communicator& ranks);
/// Sum over the batch's rows, with what is logged; extra["baseline"] is that of the whole batch. `desirable_share` is that
/// of all the data.
SummedLoss row_loss(const at::Tensor& policy_B, const Batch& batch, const KtoSettings& settings, double desirable_share);

class Kto final : public Stage {
 public:
  explicit Kto(const Params& params) : params_(params) {}
  FitStatus run(StageContext& context) override;

 private:
  Rows load(StageContext& context, const std::string& template_name, bool validation) const;
  Params params_;
};

}  // namespace temper::kto
