// Activation checkpointing (see recompute.h). Parameters are inputs of the function, so that their gradients flow through
// the graph like any other's and whoever watches them (c10d's Reducer) sees each of them once.
#include "temper/recompute.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "temper/random_state.h"

namespace temper {
namespace {

using torch::autograd::variable_list;

struct AutocastState {
  bool on = false;
  at::ScalarType type = at::kFloat;
};

AutocastState autocast_state(at::DeviceType device) {
  const bool on = at::autocast::is_autocast_enabled(device);
  return {on, on ? at::autocast::get_autocast_dtype(device) : at::kFloat};
}

/// Autocast as it was, without its cache: a cast made without a graph must not be met by one that needs it.
class AutocastScope {
 public:
  AutocastScope(const AutocastState& state, at::DeviceType device)
      : device_(device), before_(autocast_state(device)), caches_(at::autocast::is_autocast_cache_enabled()) {
    set(state);
    at::autocast::set_autocast_cache_enabled(false);
  }
  ~AutocastScope() {
    set(before_);
    at::autocast::set_autocast_cache_enabled(caches_);
  }
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  void set(const AutocastState& state) const {
    if (state.on) at::autocast::set_autocast_dtype(device_, state.type);
    at::autocast::set_autocast_enabled(device_, state.on);
  }

  at::DeviceType device_;
  AutocastState before_;
  bool caches_;
};

/// The block's place in the graph: its edges are those of the inputs, then those of the parameters.
class RecomputeNode final : public torch::autograd::Node {
 public:
  RecomputeNode(RecomputedBlock block, const variable_list& inputs, variable_list parameters)
      : block_(std::move(block)),
        parameters_(std::move(parameters)),
        device_(inputs.front().device()),
        random_state_(random_state(device_)),
        autocast_(autocast_state(device_.type())) {
    for (const auto& input : inputs) inputs_.emplace_back(input, /*is_output=*/false);
  }

  /// The first time, without a graph.
  at::Tensor forward(const variable_list& inputs) const {
    const at::NoGradGuard guard;
    const AutocastScope scope(autocast_, device_.type());
    return block_(inputs).detach();
  }

  variable_list apply(variable_list&& gradients) override {
    variable_list inputs, wanted;
    std::vector<std::size_t> edges;  // of the wanted gradients
    for (const auto& saved : inputs_) {
      at::Tensor input = saved.unpack();
      // Numbers that count something (positions, masks) have no gradient.
      const bool differentiable = input.requires_grad();
      input = input.detach();
      if (differentiable) {
        input.set_requires_grad(true);
        edges.push_back(inputs.size());
        wanted.push_back(input);
      }
      inputs.push_back(std::move(input));
    }
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      if (!parameters_[i].requires_grad()) continue;
      edges.push_back(inputs.size() + i);
      wanted.push_back(parameters_[i]);
    }
    variable_list result(inputs.size() + parameters_.size());
    if (wanted.empty() || !gradients[0].defined()) return result;
    at::Tensor output;
    {
      const at::AutoGradMode graph(true);
      const AutocastScope scope(autocast_, device_.type());
      const RandomState now = random_state(device_);
      set_random_state(random_state_, device_);
      output = block_(inputs);
      set_random_state(now, device_);
    }
    auto found = torch::autograd::grad({output}, wanted, gradients, /*retain_graph=*/false, /*create_graph=*/false,
                                       /*allow_unused=*/true);
    for (std::size_t i = 0; i < wanted.size(); ++i) result[edges[i]] = std::move(found[i]);
    return result;
  }

  void release_variables() override {
    for (auto& saved : inputs_) saved.reset_data();
    block_ = nullptr;
  }

 private:
  RecomputedBlock block_;
  std::vector<torch::autograd::SavedVariable> inputs_;
  variable_list parameters_;
  c10::Device device_;
  RandomState random_state_;
  AutocastState autocast_;
};

}  // namespace

at::Tensor recomputed(const std::vector<at::Tensor>& inputs, const std::vector<at::Tensor>& parameters,
                      RecomputedBlock block) {
  if (!at::GradMode::is_enabled()) return block(inputs);
  variable_list trained;
  std::copy_if(parameters.begin(), parameters.end(), std::back_inserter(trained),
               [](const at::Tensor& parameter) { return parameter.defined(); });
  variable_list all = inputs;
  all.insert(all.end(), trained.begin(), trained.end());
  const std::shared_ptr<RecomputeNode> node(new RecomputeNode(std::move(block), inputs, std::move(trained)),
                                            torch::autograd::deleteNode);
  at::Tensor output = node->forward(inputs);
  if (!torch::autograd::any_variable_requires_grad(all)) return output;
  node->set_next_edges(torch::autograd::collect_next_edges(all));
  torch::autograd::set_history(output, node);
  return output;
}

}  // namespace temper
