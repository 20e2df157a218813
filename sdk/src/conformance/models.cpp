// Models and inputs for the architecture checks (see models.h).
#include "models.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>

#include <cstdio>
#include <limits>

#include "temper/loss.h"

namespace temper::conformance {

std::unique_ptr<Architecture> make_model(const Subject& subject, std::uint64_t seed) {
  auto model = subject.plugin.make<Architecture>(subject.registration.id, subject.values, {kVocabulary, seed});
  if (!model) throw PluginError("the factory gave no architecture");
  return model;
}

void shake(Architecture& model, std::uint64_t seed) {
  const at::NoGradGuard guard;
  auto generator = at::detail::createCPUGenerator(seed);
  for (auto& parameter : model.parameters()) {
    parameter.tensor.add_(at::normal(0.0, 0.1, parameter.tensor.sizes(), generator, at::TensorOptions().dtype(at::kFloat))
                              .to(parameter.tensor.scalar_type()));
  }
}

std::unique_ptr<Architecture> make_shaken(const Subject& subject, std::uint64_t seed) {
  auto model = make_model(subject, seed);
  shake(*model, seed + 1000);
  model->train(false);
  return model;
}

at::Tensor random_ids(std::int64_t rows, std::int64_t length, std::uint64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::randint(0, kVocabulary, {rows, length}, generator, at::TensorOptions().dtype(at::kLong));
}

ModelInput plain_input(const Architecture& model, std::int64_t rows, std::int64_t length, std::uint64_t seed) {
  ModelInput input;
  input.ids_BT = random_ids(rows, length, seed);
  input.positions_BT = at::arange(length, input.ids_BT.options()).unsqueeze(0).expand({rows, length}).contiguous();
  if (model.traits().encoder_decoder) {
    input.source_ids_BS = random_ids(rows, length + 2, seed + 1);
    input.source_segments_BS = at::zeros_like(input.source_ids_BS);
    input.segments_BT = at::zeros_like(input.ids_BT);
  }
  return input;
}

at::Tensor eval_logits(Architecture& model, const ModelInput& input) {
  const at::NoGradGuard guard;
  return model.logits(input);
}

at::Tensor mean_loss(Architecture& model, const ModelInput& input, const at::Tensor& labels_BT) {
  const SummedLoss loss = linear_cross_entropy(model.hidden(input).flatten(0, 1), model.head(), labels_BT.flatten());
  return loss.sum / static_cast<double>(loss.target_tokens);
}

double difference(const at::Tensor& a, const at::Tensor& b) {
  if (!a.defined() || !b.defined() || a.sizes() != b.sizes()) return std::numeric_limits<double>::infinity();
  if (a.numel() == 0) return 0;
  const double most = (a - b).abs().max().item<double>();
  return most == most ? most : std::numeric_limits<double>::infinity();
}

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

}  // namespace temper::conformance
