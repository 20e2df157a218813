// AdamW (see optimizer.h).
#include "host/train/optimizer.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <stdexcept>

#include "host/train/ranks_sum.h"
#include "temper/random.h"

namespace temper {

AdamW::AdamW(std::vector<NamedParameter> parameters, const TrainParams& params, ParallelEngine* ranks)
    : groups_(2), params_(params), ranks_(ranks) {
  groups_[0].weight_decay = params.weight_decay;
  for (auto& parameter : parameters) {
    names_.push_back(std::move(parameter.name));
    decays_.push_back(parameter.decay);
    parameters_.push_back(std::move(parameter.tensor));
  }
  if (ranks == nullptr || !params.shard_optimizer) {
    for (std::size_t i = 0; i < parameters_.size(); ++i) add({i, 0, parameters_[i].numel(), 0});
    return;
  }
  buckets_ = gradient_buckets(parameters_);
  for (const auto& pieces : shard_of(parameters_, buckets_, ranks->rank(), ranks->world_size())) {
    for (const auto& piece : pieces) add(piece);
  }
}

void AdamW::add(const ShardSlice& piece) {
  Group& group = groups_[decays_[piece.parameter] ? 0 : 1];
  const at::Tensor value = part(parameters_[piece.parameter].detach(), piece);
  group.pieces.push_back(piece);
  group.values.push_back(value);
  group.exp_avgs.push_back(at::zeros_like(value));
  group.exp_avg_sqs.push_back(at::zeros_like(value));
  group.steps.push_back(at::zeros({}, value.options().dtype(at::kFloat)));
}

at::Tensor AdamW::part(const at::Tensor& tensor, const ShardSlice& piece) const {
  return sharded() ? tensor.view(-1).slice(0, piece.begin, piece.end) : tensor;
}

std::vector<at::Tensor> AdamW::gradients(const Group& group) {
  std::vector<at::Tensor> all;
  for (const auto& piece : group.pieces) {
    const at::Tensor& parameter = parameters_[piece.parameter];
    if (!parameter.grad().defined()) parameter.mutable_grad() = at::zeros_like(parameter);
    all.push_back(part(parameter.grad(), piece));
  }
  return all;
}

void AdamW::all_reduce_gradients() {
  if (ranks_ == nullptr) return;
  const at::NoGradGuard guard;
  std::vector<at::Tensor> all;
  for (const auto& parameter : parameters_) {
    if (!parameter.grad().defined()) parameter.mutable_grad() = at::zeros_like(parameter);
    all.push_back(parameter.grad());
  }
  sum_over_ranks(all, *ranks_);
}

double AdamW::grad_norm() {
  const at::NoGradGuard guard;
  std::vector<at::Tensor> all;
  for (const auto& group : groups_) {
    for (const auto& piece : group.pieces) {
      const at::Tensor& gradient = parameters_[piece.parameter].grad();
      if (gradient.defined()) all.push_back(part(gradient, piece));
    }
  }
  const double norm = all.empty() ? 0 : at::stack(at::_foreach_norm(all)).to(at::kDouble).norm().item<double>();
  if (!sharded()) return norm;
  at::Tensor squares = at::full({1}, norm * norm, at::kDouble);
  ranks_->all_reduce_sum(squares);
  return squares.sqrt().item<double>();
}

void AdamW::step(double learning_rate, double divisor) {
  const at::NoGradGuard guard;
  for (auto& group : groups_) {
    if (group.pieces.empty()) continue;
    const auto grads = gradients(group);
    at::_foreach_add_(group.steps, at::Scalar(1));
    const at::Tensor scale = at::scalar_tensor(divisor, group.values.front().options().dtype(at::kFloat));
    at::_fused_adamw_(group.values, grads, group.exp_avgs, group.exp_avg_sqs, {}, group.steps, learning_rate, params_.beta1,
                      params_.beta2, group.weight_decay, params_.epsilon, /*amsgrad=*/false,
                      /*maximize=*/false, scale);
  }
  drop_gradients();
  if (!sharded()) return;
  gather_shards(
      parameters_, buckets_, *ranks_,
      [&](const ShardSlice& piece) { return part(parameters_[piece.parameter].detach(), piece); },
      [&](const ShardSlice& piece, const at::Tensor& values) {
        part(parameters_[piece.parameter].detach(), piece).copy_(values);
      });
}

void AdamW::drop_gradients() {
  for (const auto& parameter : parameters_) parameter.mutable_grad() = at::Tensor();
}

at::Tensor AdamW::moment(std::vector<at::Tensor> Group::*which, const ShardSlice& piece) const {
  const Group& group = groups_[decays_[piece.parameter] ? 0 : 1];
  for (std::size_t i = 0; i < group.pieces.size(); ++i) {
    if (group.pieces[i].parameter == piece.parameter) return (group.*which)[i];
  }
  throw std::logic_error("a moment was asked for that another rank keeps");
}

void AdamW::save(StateDict& state) {
  const auto save_moment = [&](const std::string& prefix, std::vector<at::Tensor> Group::*which) {
    if (!sharded()) {
      for (std::size_t i = 0; i < names_.size(); ++i) state.tensors[prefix + names_[i]] = moment(which, {i, 0, 0, 0});
      return;
    }
    gather_shards(
        parameters_, buckets_, *ranks_, [&](const ShardSlice& piece) { return moment(which, piece); },
        [&](const ShardSlice& piece, const at::Tensor& values) {
          // Rank 0 writes; the others would only hold it.
          if (ranks_->rank() != 0) return;
          at::Tensor& whole = state.tensors[prefix + names_[piece.parameter]];
          if (!whole.defined()) whole = at::empty_like(parameters_[piece.parameter].detach());
          part(whole, piece).copy_(values);
        });
  };
  save_moment("exp_avg.", &Group::exp_avgs);
  save_moment("exp_avg_sq.", &Group::exp_avg_sqs);
  // All parameters are updated in every step; a rank that keeps nothing does not save either.
  at::Tensor count = at::zeros({}, at::kFloat);
  for (const auto& group : groups_) {
    if (!group.steps.empty()) count = group.steps.front();
  }
  for (const auto& name : names_) state.tensors["steps." + name] = count;
}

void AdamW::load(const StateDict& state) {
  const auto restore = [&](const std::string& name, at::IntArrayRef sizes) {
    const auto found = state.tensors.find(name);
    if (found == state.tensors.end() || found->second.sizes() != sizes) {
      throw DataError("the checkpoint's optimiser state has no tensor '" + name + "' of the right shape");
    }
    return found->second;
  };
  for (auto& group : groups_) {
    for (std::size_t i = 0; i < group.pieces.size(); ++i) {
      const ShardSlice& piece = group.pieces[i];
      const auto sizes = parameters_[piece.parameter].sizes();
      const std::string& name = names_[piece.parameter];
      group.exp_avgs[i].copy_(part(restore("exp_avg." + name, sizes), piece));
      group.exp_avg_sqs[i].copy_(part(restore("exp_avg_sq." + name, sizes), piece));
      group.steps[i].copy_(restore("steps." + name, {}));
    }
  }
}

namespace {

std::unique_ptr<Lora> make_lora(Architecture& model, const TrainParams& params, std::uint64_t seed) {
  if (params.lora.rank == 0) return nullptr;
  return std::make_unique<Lora>(model, params.lora, derive_seed(seed, {"lora"}));
}

}  // namespace

std::vector<NamedParameter> trained_parameters(Architecture& model, const Lora* lora,
                                               const std::vector<NamedParameter>& extra) {
  std::vector<NamedParameter> all = lora != nullptr ? lora->parameters() : model.parameters();
  all.insert(all.end(), extra.begin(), extra.end());
  return all;
}

ModelOptimizer::ModelOptimizer(Architecture& model, const TrainParams& params, std::vector<NamedParameter> extra,
                               std::uint64_t seed, ParallelEngine* ranks)
    : lora_(make_lora(model, params, seed)),
      extra_(std::move(extra)),
      adamw_(trained_parameters(model, lora_.get(), extra_), params, ranks) {}

void ModelOptimizer::all_reduce_gradients() {
  if (lora_) lora_->take_gradients();
  adamw_.all_reduce_gradients();
}

double ModelOptimizer::grad_norm() {
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

void ModelOptimizer::save(StateDict& state) {
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
