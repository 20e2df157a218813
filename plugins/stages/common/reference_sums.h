// Summed log-probabilities of answers, of the model in training and of the frozen one that it started from, and the check
// that both are one and the same before the first step. The stages that learn from pairs without a reward model (dpo, kto)
// read the reference once and keep its numbers.
// Shapes: N dialogues.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "reading.h"

namespace temper::stages {

/// log p(answer | prompt) of each dialogue, float32, over the answer's tokens alone: no gradients, evaluation mode.
at::Tensor sum_log_probs(Architecture& model, const std::vector<Dialogue>& dialogues, std::int64_t pad_id,
                         const Readers& readers = {}, double temperature = 1);
/// The same of the reference, by all processes, with progress. Equal bits whenever it is called, before training or after a
/// resume. Throws Cancelled.
at::Tensor reference_sums(StageContext& context, const std::vector<Dialogue>& dialogues);

/// A loss whose value is known while policy and reference are one: the sentinels kl_at_start (summed log-probabilities
/// agree to 1e-5 a token on average, 1e-4 in every answer) and loss_at_start (to 0.1 %). Nothing of a run that goes on,
/// whose policy has moved.
struct StartCheck {
  at::Tensor policy_N, reference_N, tokens_N;
  double loss = 0, expected_loss = 0;
};
void check_start(StageContext& context, const StartCheck& check);

}  // namespace temper::stages
