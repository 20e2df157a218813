// Low-rank adapters over a model's matrices: W = W0 + (alpha / rank) B A. The model carries the merged W at all times; this
// turns gradients of W into those of A and B, and merges anew after each update. Works with every architecture, because it
// touches nothing but the named weights. Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (2021).
// Shapes: O rows and I columns of a weight, R rank.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "temper/train.h"

namespace temper {

class Lora {
 public:
  /// All weights of `model` but the targets stop requiring gradients for as long as this lives. Throws ConfigError if
  /// nothing matches the targets or a rank does not fit.
  Lora(Architecture& model, const LoraParams& params, std::uint64_t seed);
  ~Lora();
  Lora(const Lora&) = delete;
  Lora& operator=(const Lora&) = delete;

  /// A and B of each target, "NAME.lora_a" [R, I] and "NAME.lora_b" [O, R].
  const std::vector<NamedParameter>& parameters() const { return parameters_; }
  /// Moves the gradients of the weights into A and B.
  void take_gradients();
  void merge();
  /// Calls `use` while the weights are W0.
  void with_adapters_off(const std::function<void()>& use);
  void save(StateDict& state) const;  ///< W0, A and B
  void load(const StateDict& state);  ///< and merges
  /// A and B alone with alpha and rank, for whoever wants the adapters by themselves.
  StateDict adapters() const;

 private:
  struct Target {
    std::string name;
    at::Tensor weight_OI, base_OI, a_RI, b_OR;
  };
  std::vector<Target> targets_;
  std::vector<NamedParameter> parameters_;
  std::vector<at::Tensor> resting_;
  LoraParams params_;
  double scale_;
};

}  // namespace temper
