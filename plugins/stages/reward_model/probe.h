// A head to start from: logistic regression on what the model's last layer holds at the last token of labelled answers,
// before anything is trained. One reading of the answers in place of hundreds of steps that only move the head, and adapters
// then start from a head that makes sense. Source: Kumar et al., "Fine-Tuning can Distort Pretrained Features and
// Underperform Out-of-Distribution" (2022): probe first, then fine-tune. Used by labelled.cpp. Shapes: N answers, D width.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "labelled.h"
#include "reading.h"

namespace temper::reward_model {

struct LogisticFit {
  at::Tensor weight_D;  ///< float64
  double bias = 0;
};
/// Minimises 0.5 |w|^2 + strength * sum of -log p(label) by Newton's method, with w on features of mean 0 and deviation 1
/// (folded back into the result) and the bias free: scikit-learn's StandardScaler and LogisticRegression(C=strength).
LogisticFit fit_logistic(const at::Tensor& features_ND, const at::Tensor& labels_N, double strength);

/// Sets the head from `rows` answers, spread evenly over all.
void probe(Architecture& model, stages::RewardHead& head, const LabelledAnswers& answers, std::int64_t rows, double strength,
           std::int64_t pad_id, const stages::Readers& readers);

}  // namespace temper::reward_model
