// AdamW (see optimizer.h).
#include "host/train/optimizer.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "temper/random.h"

namespace temper {

AdamW::AdamW(std::vector<NamedParameter> parameters, const TrainParams& params) : groups_(2), params_(params) {
  groups_[0].weight_decay = params.weight_decay;
  for (auto& parameter : parameters) {
    Group& group = groups_[parameter.decay ? 0 : 1];
    group.names.push_back(parameter.name);
    group.exp_avgs.push_back(at::zeros_like(parameter.tensor, at::TensorOptions().requires_grad(false)));
    group.exp_avg_sqs.push_back(at::zeros_like(parameter.tensor, at::TensorOptions().requires_grad(false)));
    group.steps.push_back(at::zeros({}, parameter.tensor.options().dtype(at::kFloat).requires_grad(false)));
    group.parameters.push_back(std::move(parameter.tensor));
  }
}

double AdamW::grad_norm() const {
  const at::NoGradGuard guard;
  std::vector<at::Tensor> grads;
  for (const auto& group : groups_) {
    for (const auto& parameter : group.parameters) {
      if (parameter.grad().defined()) grads.push_back(parameter.grad());
    }
  }
  if (grads.empty()) return 0;
  return at::stack(at::_foreach_norm(grads)).to(at::kDouble).norm().item<double>();
}

void AdamW::step(double learning_rate, double divisor) {
  const at::NoGradGuard guard;
  for (auto& group : groups_) {
    if (group.parameters.empty()) continue;
    std::vector<at::Tensor> grads;
    for (auto& parameter : group.parameters) {
      if (!parameter.grad().defined()) parameter.mutable_grad() = at::zeros_like(parameter);
      grads.push_back(parameter.grad());
    }
    at::_foreach_add_(group.steps, at::Scalar(1));
    const at::Tensor scale = at::scalar_tensor(divisor, group.parameters.front().options().dtype(at::kFloat));
    at::_fused_adamw_(group.parameters, grads, group.exp_avgs, group.exp_avg_sqs, {}, group.steps, learning_rate,
                      params_.beta1, params_.beta2, group.weight_decay, params_.epsilon, /*amsgrad=*/false,
                      /*maximize=*/false, scale);
  }
  drop_gradients();
}

void AdamW::drop_gradients() {
  for (auto& group : groups_) {
    for (auto& parameter : group.parameters) parameter.mutable_grad() = at::Tensor();
  }
}

void AdamW::save(StateDict& state) const {
  for (const auto& group : groups_) {
    for (std::size_t i = 0; i < group.names.size(); ++i) {
      state.tensors["exp_avg." + group.names[i]] = group.exp_avgs[i];
      state.tensors["exp_avg_sq." + group.names[i]] = group.exp_avg_sqs[i];
      state.tensors["steps." + group.names[i]] = group.steps[i];
    }
  }
}

void AdamW::load(const StateDict& state) {
  const auto restore = [&](const std::string& name, at::Tensor& into) {
    const auto found = state.tensors.find(name);
    if (found == state.tensors.end() || found->second.sizes() != into.sizes()) {
      throw DataError("the checkpoint's optimiser state has no tensor '" + name + "' of the right shape");
    }
    into.copy_(found->second);
  };
  for (auto& group : groups_) {
    for (std::size_t i = 0; i < group.names.size(); ++i) {
      restore("exp_avg." + group.names[i], group.exp_avgs[i]);
      restore("exp_avg_sq." + group.names[i], group.exp_avg_sqs[i]);
      restore("steps." + group.names[i], group.steps[i]);
    }
  }
}

namespace {

std::unique_ptr<Lora> make_lora(Architecture& model, const TrainParams& params, std::uint64_t seed) {
  if (params.lora.rank == 0) return nullptr;
  return std::make_unique<Lora>(model, params.lora, derive_seed(seed, {"lora"}));
}

std::vector<NamedParameter> trained(Architecture& model, const Lora* lora, const std::vector<NamedParameter>& extra) {
  std::vector<NamedParameter> all = lora != nullptr ? lora->parameters() : model.parameters();
  all.insert(all.end(), extra.begin(), extra.end());
  return all;
}

}  // namespace

ModelOptimizer::ModelOptimizer(Architecture& model, const TrainParams& params, std::vector<NamedParameter> extra,
                               std::uint64_t seed)
    : lora_(make_lora(model, params, seed)), extra_(std::move(extra)), adamw_(trained(model, lora_.get(), extra_), params) {}

double ModelOptimizer::grad_norm() const {
  if (lora_) lora_->take_gradients();
  return adamw_.grad_norm();
}

void ModelOptimizer::step(double learning_rate, double divisor) {
  if (lora_) lora_->take_gradients();
  adamw_.step(learning_rate, divisor);
  if (lora_) lora_->merge();
}

void ModelOptimizer::drop_gradients() {
  if (lora_) lora_->take_gradients();
  adamw_.drop_gradients();
}

void ModelOptimizer::save(StateDict& state) const {
  adamw_.save(state);
  if (lora_) lora_->save(state);
  for (const auto& parameter : extra_) state.tensors["extra." + parameter.name] = parameter.tensor.detach();
}

void ModelOptimizer::load(const StateDict& state) {
  adamw_.load(state);
  if (lora_) lora_->load(state);
  const at::NoGradGuard guard;
  for (auto& parameter : extra_) {
    const auto found = state.tensors.find("extra." + parameter.name);
    if (found == state.tensors.end() || found->second.sizes() != parameter.tensor.sizes()) {
      throw DataError("the checkpoint's state has no tensor 'extra." + parameter.name + "' of the right shape");
    }
    parameter.tensor.copy_(found->second);
  }
}

}  // namespace temper
