// Low-rank adapters (see lora.h).
#include "host/train/lora.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "temper/random.h"

namespace temper {
namespace {

bool holds(const std::string& name, std::string_view part) { return name.find(part) != std::string::npos; }

/// Lookup tables and the head are no linear layers of the trunk, and position biases are no matrices of one.
bool is_table(const NamedParameter& parameter, const ArchitectureTraits& traits) {
  constexpr std::array<std::string_view, 6> kParts = {"embed", "position", "relative", "head", "wte", "wpe"};
  const bool named = std::any_of(kParts.begin(), kParts.end(), [&](auto part) { return holds(parameter.name, part); });
  return named || parameter.tensor.size(0) == traits.vocab_size;
}

bool is_target(const NamedParameter& parameter, const LoraParams& params, const ArchitectureTraits& traits) {
  if (parameter.tensor.dim() != 2) return false;
  if (params.targets.empty()) return !is_table(parameter, traits);
  return std::any_of(params.targets.begin(), params.targets.end(),
                     [&](const auto& part) { return holds(parameter.name, part); });
}

std::string matrices_of(Architecture& model) {
  std::string names;
  for (const auto& parameter : model.parameters()) {
    if (parameter.tensor.dim() == 2) names += (names.empty() ? "" : ", ") + parameter.name;
  }
  return names;
}

/// As PyTorch's kaiming_uniform with a = sqrt(5): uniform within 1 / sqrt(inputs).
at::Tensor draw_a(std::int64_t rank, std::int64_t inputs, std::uint64_t seed) {
  at::Tensor a_RI = at::empty({rank, inputs}, at::kFloat);
  Rng rng(seed);
  const double bound = 1 / std::sqrt(static_cast<double>(inputs));
  float* values = a_RI.data_ptr<float>();
  for (std::int64_t i = 0; i < a_RI.numel(); ++i) values[i] = static_cast<float>((2 * rng.uniform() - 1) * bound);
  return a_RI;
}

const at::Tensor& find(const StateDict& state, const std::string& name, const at::Tensor& like) {
  const auto found = state.tensors.find(name);
  if (found == state.tensors.end() || found->second.sizes() != like.sizes()) {
    throw DataError("the checkpoint's adapters have no tensor '" + name + "' of the right shape");
  }
  return found->second;
}

}  // namespace

Lora::Lora(Architecture& model, const LoraParams& params, std::uint64_t seed)
    : params_(params), scale_(params.alpha / static_cast<double>(params.rank)) {
  const ArchitectureTraits traits = model.traits();
  for (auto& parameter : model.parameters()) {
    if (!is_target(parameter, params, traits)) {
      resting_.push_back(parameter.tensor.set_requires_grad(false));
      continue;
    }
    const std::int64_t outputs = parameter.tensor.size(0), inputs = parameter.tensor.size(1);
    if (params.rank > std::min(outputs, inputs)) {
      throw ConfigError("lora_rank = " + std::to_string(params.rank) + ": '" + parameter.name + "' is " +
                        std::to_string(outputs) + " x " + std::to_string(inputs) + ", so a rank of at most " +
                        std::to_string(std::min(outputs, inputs)) + " fits");
    }
    const auto options = parameter.tensor.options().dtype(at::kFloat).requires_grad(false);
    Target target{parameter.name, parameter.tensor, parameter.tensor.detach().clone(),
                  draw_a(params.rank, inputs, derive_seed(seed, {parameter.name})).to(options.device()),
                  at::zeros({outputs, params.rank}, options)};
    parameters_.push_back({target.name + ".lora_a", target.a_RI, true});
    parameters_.push_back({target.name + ".lora_b", target.b_OR, true});
    targets_.push_back(std::move(target));
  }
  if (targets_.empty()) {
    for (auto& weight : resting_) weight.set_requires_grad(true);
    std::string wanted;
    for (const auto& part : params.targets) wanted += (wanted.empty() ? "" : ", ") + part;
    throw ConfigError("lora_targets = [" + wanted + "]: no matrix of the model has such a name; its matrices are " +
                      matrices_of(model));
  }
}

Lora::~Lora() {
  for (auto& weight : resting_) weight.set_requires_grad(true);
}

void Lora::take_gradients() {
  const at::NoGradGuard guard;
  for (auto& target : targets_) {
    const at::Tensor grad_OI = target.weight_OI.grad();
    if (!grad_OI.defined()) continue;
    target.b_OR.mutable_grad() = at::mm(grad_OI, target.a_RI.t()).mul_(scale_);
    target.a_RI.mutable_grad() = at::mm(target.b_OR.t(), grad_OI).mul_(scale_);
    target.weight_OI.mutable_grad() = at::Tensor();
  }
}

void Lora::merge() {
  const at::NoGradGuard guard;
  for (auto& target : targets_) target.weight_OI.copy_(target.base_OI + at::mm(target.b_OR, target.a_RI).mul_(scale_));
}

void Lora::with_adapters_off(const std::function<void()>& use) {
  const at::NoGradGuard guard;
  for (auto& target : targets_) target.weight_OI.copy_(target.base_OI);
  try {
    use();
  } catch (...) {
    merge();
    throw;
  }
  merge();
}

void Lora::save(StateDict& state) const {
  for (const auto& target : targets_) {
    state.tensors["lora_base." + target.name] = target.base_OI;
    state.tensors[target.name + ".lora_a"] = target.a_RI;
    state.tensors[target.name + ".lora_b"] = target.b_OR;
  }
}

void Lora::load(const StateDict& state) {
  {
    const at::NoGradGuard guard;
    for (auto& target : targets_) {
      target.base_OI.copy_(find(state, "lora_base." + target.name, target.base_OI));
      target.a_RI.copy_(find(state, target.name + ".lora_a", target.a_RI));
      target.b_OR.copy_(find(state, target.name + ".lora_b", target.b_OR));
    }
  }
  merge();
}

StateDict Lora::adapters() const {
  StateDict state;
  for (const auto& target : targets_) {
    state.tensors[target.name + ".lora_a"] = target.a_RI;
    state.tensors[target.name + ".lora_b"] = target.b_OR;
  }
  state.texts["lora_rank"] = std::to_string(params_.rank);
  state.texts["lora_alpha"] = to_text(params_.alpha);
  return state;
}

}  // namespace temper
