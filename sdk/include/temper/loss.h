// Losses that every objective and stage shares. Linear layer and cross-entropy are one operation, so that the logits of
// all positions never exist at once: they are made for a slice of positions, turned into their own gradient in place, and
// dropped. Gradients are those of log-softmax and NLL exactly (checked against PyTorch in tests/reference).
// Shapes: N positions, D width, V vocabulary.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>

#include "temper/error.h"

namespace temper {

struct SummedLoss {
  at::Tensor sum;                  ///< scalar, float32, differentiable: sum of -log p(label) over the counted labels
  std::int64_t target_tokens = 0;  ///< labels that are not kIgnoreLabel; of a loss over pairs, the number of pairs
  std::map<std::string, double> metrics = {};  ///< further sums over the same targets, logged as means by these names
};

/// Sum of the negative log-likelihood, in nats. Positions with kIgnoreLabel cost nothing, not even the matrix product.
/// With no counted label at all the sum is 0 with zero gradients, never NaN. bf16 under autocast, softmax in float32.
TEMPER_API SummedLoss linear_cross_entropy(const at::Tensor& hidden_ND, const at::Tensor& head_VD,
                                           const at::Tensor& labels_N);
/// log p(label) for each position, float32, no gradient; kIgnoreLabel gives 0. If `is_argmax_N` is given it is filled
/// with whether the label was the most likely token.
TEMPER_API at::Tensor linear_log_probs(const at::Tensor& hidden_ND, const at::Tensor& head_VD, const at::Tensor& labels_N,
                                       at::Tensor* is_argmax_N = nullptr);

struct TokenLogProbs {
  at::Tensor log_probs_N;  ///< 0 where the label is kIgnoreLabel
  at::Tensor entropy_N;    ///< nats, of the whole distribution at the position; 0 where the label is kIgnoreLabel
};
/// The same, differentiable, of the distribution at this sampling temperature (P-PPO-12), and its entropy. Logits are made
/// anew in the backward pass, so memory is that of one slice. Computed in the type of `hidden_ND`.
TEMPER_API TokenLogProbs token_log_probs(const at::Tensor& hidden_ND, const at::Tensor& head_VD, const at::Tensor& labels_N,
                                         double temperature = 1);

}  // namespace temper
