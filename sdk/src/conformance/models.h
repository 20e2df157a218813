// What the architecture checks share: building a small model whose every weight matters, and inputs for it.
// Shapes: B rows, T positions, S source positions, V vocabulary.
#pragma once

#include <ATen/ATen.h>

#include "checks.h"
#include "temper/architecture.h"

namespace temper::conformance {

std::unique_ptr<Architecture> make_model(const Subject& subject, std::uint64_t seed);
/// In evaluation mode, with noise added to every parameter: a fresh model may have layers that start at zero, and such a
/// layer would hide what the check is after.
std::unique_ptr<Architecture> make_shaken(const Subject& subject, std::uint64_t seed = 1);
void shake(Architecture& model, std::uint64_t seed);

at::Tensor random_ids(std::int64_t rows, std::int64_t length, std::uint64_t seed);
/// Whole rows, no padding; with a source for encoder-decoder models.
ModelInput plain_input(const Architecture& model, std::int64_t rows, std::int64_t length, std::uint64_t seed);
at::Tensor eval_logits(Architecture& model, const ModelInput& input);
/// Mean cross-entropy of the model's guesses against labels, differentiable.
at::Tensor mean_loss(Architecture& model, const ModelInput& input, const at::Tensor& labels_BT);

/// Largest absolute difference; infinity for another shape or NaN.
double difference(const at::Tensor& a, const at::Tensor& b);
std::string number_text(double value);

/// Same sums in another order differ by this much at most, for logits of the size shaken models give.
constexpr double kRounding = 2e-4;

}  // namespace temper::conformance
