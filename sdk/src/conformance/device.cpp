// A model on another device than the CPU, here one that only pretends to be another (pretend_device.h).
// Shapes: B rows, T positions, D width.
#include <ATen/core/grad_mode.h>

#include <exception>

#include "models.h"
#include "pretend_device.h"

namespace temper::conformance {
namespace {

constexpr std::int64_t kRowCount = 3, kPositions = 12;

/// Hidden states behind a prefill and two steps; undefined for a model that does not decode with a cache.
at::Tensor decoded(Architecture& model, const ModelInput& input) {
  auto* decoder = dynamic_cast<IncrementalDecoder*>(&model);
  if (decoder == nullptr) return {};
  const at::NoGradGuard guard;
  const std::vector<std::int64_t> places{2, 0, 1};
  ModelInput prompts = input;
  prompts.segments_BT = at::zeros_like(input.ids_BT);
  decoder->prepare_decoding(WeightFormat::kFloat32);
  const std::int64_t sources = input.source_ids_BS.defined() ? input.source_ids_BS.size(1) : 0;
  const auto state = decoder->make_state(kRowCount, kPositions + 2, sources);
  at::Tensor hidden_BD = decoder->prefill(*state, places, prompts);
  for (const std::int64_t id : {7, 11})
    hidden_BD = decoder->step(*state, places, at::full_like(input.ids_BT.select(1, 0), id));
  return hidden_BD;
}

std::string compare(Architecture& here, Architecture& there, c10::Device device) {
  const ModelInput input = plain_input(here, kRowCount, kPositions, 41), moved = to_device(input, device);
  const double logits = difference(eval_logits(here, input), eval_logits(there, moved).to(at::kCPU));
  if (logits > kRounding) return "logits differ from the CPU's by " + number_text(logits);
  const at::Tensor labels_BT = random_ids(kRowCount, kPositions, 42);
  mean_loss(here, input, labels_BT).backward();
  mean_loss(there, moved, labels_BT.to(device)).backward();
  const auto expected = here.parameters(), found = there.parameters();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const at::Tensor a = expected[i].tensor.grad(), b = found[i].tensor.grad();
    if (!a.defined() || !b.defined()) continue;  // the check of gradients says more
    const double gap = difference(a, b.to(at::kCPU));
    if (gap > kRounding * (1 + a.abs().max().item<double>())) {
      return "the gradient of '" + expected[i].name + "' differs from the CPU's by " + number_text(gap);
    }
  }
  const at::Tensor expected_BD = decoded(here, input);
  if (!expected_BD.defined()) return "";
  const double step = difference(expected_BD, decoded(there, moved).to(at::kCPU));
  return step > kRounding ? "decoding with a cache differs from the CPU's by " + number_text(step) : "";
}

Outcome on_device(const Subject& subject) {
  const c10::Device device = pretend_device();
  const auto here = make_shaken(subject), there = make_shaken(subject);
  here->train(false);
  there->train(false);
  try {
    there->to(device);
    const std::string fault = compare(*here, *there, device);
    return fault.empty() ? Outcome::pass() : Outcome::fail("on a device other than the CPU, " + fault);
  } catch (const std::exception& error) {
    const std::string words = error.what();
    return Outcome::fail("on a device other than the CPU the model fails: " + words.substr(0, words.find('\n')) +
                         "; the usual reason is a tensor made on the CPU");
  }
}

}  // namespace

void add_device_checks(std::vector<Check>& checks) {
  checks.push_back({"architecture.device", "architecture", 1,
                    "Logits, gradients and decoding are the same on a device other than the CPU.", on_device});
}

}  // namespace temper::conformance
