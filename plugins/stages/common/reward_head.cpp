// The reward head (see reward_head.h).
#include "reward_head.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "temper/random.h"

namespace temper::stages {
namespace {

using Json = nlohmann::json;
constexpr const char* kWeight = "reward_head.weight";
constexpr const char* kBias = "reward_head.bias";
constexpr const char* kText = "reward_head";
constexpr const char* kFacts = "reward_facts";

at::Tensor drawn(std::int64_t rows, std::int64_t width, std::uint64_t seed) {
  Rng rng(seed);
  at::Tensor weight = at::empty({rows, width}, at::kFloat);
  const double deviation = 1 / std::sqrt(static_cast<double>(width + 1));
  float* values = weight.data_ptr<float>();
  for (std::int64_t i = 0; i < weight.numel(); ++i) values[i] = static_cast<float>(rng.normal() * deviation);
  return weight;
}

}  // namespace

std::int64_t RewardHead::index_of(const std::string& dimension) const {
  const auto found = std::find(dimensions.begin(), dimensions.end(), dimension);
  return found == dimensions.end() ? -1 : found - dimensions.begin();
}

at::Tensor RewardHead::read(const at::Tensor& hidden_BTD, const at::Tensor& last_N) const {
  const c10::Device device = hidden_BTD.device();
  return at::linear(hidden_BTD.flatten(0, 1).index_select(0, last_N.to(device)), weight_KD.to(device), bias_K.to(device));
}

at::Tensor RewardHead::combined(const at::Tensor& rewards_BK) const {
  const at::Tensor weighted_BK = rewards_BK * at::tensor(weights, rewards_BK.options().requires_grad(false));
  return combine == "minimum" ? weighted_BK.amin(1) : weighted_BK.sum(1);
}

void RewardHead::normalise(std::int64_t dimension, const RewardNormalisation& normalisation) {
  const at::NoGradGuard guard;
  weight_KD.select(0, dimension).mul_(normalisation.gain);
  bias_K.select(0, dimension).mul_(normalisation.gain).add_(normalisation.bias);
}

std::vector<NamedParameter> RewardHead::parameters() const { return {{kWeight, weight_KD, false}, {kBias, bias_K, false}}; }

StateDict RewardHead::save(const std::string& facts_json) const {
  StateDict extras;
  extras.tensors[kWeight] = weight_KD.detach();
  extras.tensors[kBias] = bias_K.detach();
  extras.texts[kText] =
      Json{{"dimensions", dimensions}, {"weights", weights}, {"combine", combine}, {"prompt_template", prompt_template}}
          .dump();
  extras.texts[kFacts] = facts_json;
  return extras;
}

RewardHead fresh_head(std::int64_t width, std::vector<std::string> dimensions, std::uint64_t seed, c10::Device device) {
  RewardHead head;
  const auto rows = static_cast<std::int64_t>(dimensions.size());
  head.weight_KD = drawn(rows, width, seed).to(device).requires_grad_();
  head.bias_K = at::zeros({rows}, at::TensorOptions(device).dtype(at::kFloat)).requires_grad_();
  head.weights.assign(dimensions.size(), 1.0);
  head.dimensions = std::move(dimensions);
  return head;
}

RewardHead load_head(const StateDict& extras, const std::string& stage) {
  if (extras.tensors.count(kWeight) == 0 || extras.texts.count(kText) == 0) {
    throw ConfigError("stage '" + stage + "' has no reward head; name a stage of the plugin reward_model");
  }
  RewardHead head;
  head.weight_KD = extras.tensors.at(kWeight).clone();
  head.bias_K = extras.tensors.at(kBias).clone();
  try {
    const Json json = Json::parse(extras.texts.at(kText));
    head.dimensions = json.at("dimensions").get<std::vector<std::string>>();
    head.weights = json.at("weights").get<std::vector<double>>();
    head.combine = json.at("combine");
    head.prompt_template = json.at("prompt_template");
  } catch (const Json::exception& error) {
    throw DataError("the reward head of stage '" + stage + "' is damaged: " + error.what());
  }
  return head;
}

at::Tensor fresh_value_weight(std::int64_t width, std::uint64_t seed) { return drawn(1, width, seed); }

}  // namespace temper::stages
