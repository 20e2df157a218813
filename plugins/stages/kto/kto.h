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
/// Sum over the batch's rows, with what is logged. `desirable_share` is that of all the data.
SummedLoss row_loss(const at::Tensor& policy_B, const at::Tensor& policy_mismatched_B, const Batch& batch,
                    const KtoSettings& settings, double desirable_share);

class Kto final : public Stage {
 public:
  explicit Kto(const Params& params) : params_(params) {}
  FitStatus run(StageContext& context) override;

 private:
  Rows load(StageContext& context, const std::string& template_name, bool validation) const;
  Params params_;
};

}  // namespace temper::kto
