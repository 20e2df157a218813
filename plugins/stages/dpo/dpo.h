// Direct preference optimisation: the policy itself is the reward model, its reward the log-ratio to the frozen model that
// it started from. The reference reads all pairs once, before training; a batch is both sides of some pairs, packed.
// Sources: Rafailov et al. (2023); the variants' papers are named in temper/preference.h, which has the losses.
// Shapes: N dialogues (2i and 2i + 1 are pair i's chosen and rejected answer), P pairs of a batch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dialogues.h"
#include "temper/preference.h"
#include "temper/stage.h"

namespace temper::dpo {

struct Params {
  std::string from;
  std::vector<std::string> data;
  std::string prompt_template;
  std::string loss = "sigmoid";
  double beta = 0.1;
  double label_smoothing = 0;
  TrainParams train;
};
ParamTable<Params> params_table();
DpoSettings settings_of(const Params& params);

struct Pairs {
  std::vector<stages::Dialogue> dialogues_N;
  at::Tensor reference_N;  ///< summed log-probabilities
  std::int64_t cut = 0;    ///< dialogues that did not fit the context whole

  std::int64_t size() const { return static_cast<std::int64_t>(dialogues_N.size()) / 2; }
};
/// Without reference_N. Throws DataError for a pair that has one side only or two equal ones.
Pairs tokenize_pairs(const std::vector<PreferencePair>& pairs, const std::string& template_name, std::int64_t context_length,
                     const Tokenizer& tokenizer, const ArchitectureTraits& traits);
/// Both sides of some pairs; extra has reference_D and tokens_D of the batch's 2P dialogues, in their order.
Batch pair_batch(const Pairs& pairs, const std::vector<std::int64_t>& chosen, const ArchitectureTraits& traits,
                 std::int64_t pad_id, std::int64_t row_length);
/// Summed log-probabilities of the batch's dialogues, differentiable.
at::Tensor policy_sums(Architecture& model, const Batch& batch);
/// Sum over the batch's pairs, with what is logged.
SummedLoss pair_loss(const at::Tensor& policy_D, const Batch& batch, const DpoSettings& settings);

class Dpo final : public Stage {
 public:
  explicit Dpo(const Params& params) : params_(params) {}
  FitStatus run(StageContext& context) override;

 private:
  Params params_;
};

}  // namespace temper::dpo
