// A tiny model, pairs of letters, and log-probabilities the long way.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <string>
#include <vector>

#include "catch.h"
#include "dialogues.h"
#include "gpt.h"
#include "temper/dataset.h"
#include "temper/random.h"

namespace temper::test {

inline gpt::Gpt tiny_gpt(double dropout = 0, std::uint64_t seed = 3) {
  // Several threads only wait for one another over tensors this small.
  at::set_num_threads(1);
  gpt::GptParams params;
  params.d_model = 16;
  params.num_layers = 2;
  params.num_heads = 2;
  params.max_positions = 64;
  params.dropout = dropout;
  params.init_std = 0.2;
  return gpt::Gpt(params, {259, seed});
}

/// Answers of 1 to 6 letters to prompts of 3 letters: the chosen one has an a where the rejected has a z.
inline std::vector<PreferencePair> letter_pairs(std::int64_t count, std::uint64_t seed) {
  std::vector<PreferencePair> pairs;
  Rng rng(seed);
  for (std::int64_t i = 0; i < count; ++i) {
    PreferencePair pair;
    pair.id = "pair" + std::to_string(i);
    pair.source = "letters";
    std::string prompt, answer;
    for (int k = 0; k < 3; ++k) prompt += static_cast<char>('b' + rng.below(20));
    for (std::uint64_t k = rng.below(6); k > 0; --k) answer += static_cast<char>('b' + rng.below(20));
    pair.prompt = {{"user", prompt + std::to_string(i)}};
    pair.chosen = answer + "a";
    pair.rejected = answer + "zz";
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

inline std::vector<at::Tensor> weights_of(Architecture& model) {
  std::vector<at::Tensor> weights;
  for (const auto& parameter : model.parameters()) weights.push_back(parameter.tensor.detach().clone());
  return weights;
}

inline bool equal(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!a[i].equal(b[i])) return false;
  }
  return a.size() == b.size();
}

/// log p of an answer alone, token by token, the long way.
inline double by_hand(Architecture& model, const stages::Dialogue& dialogue) {
  std::vector<std::int64_t> ids = dialogue.prompt;
  ids.insert(ids.end(), dialogue.answer.begin(), dialogue.answer.end());
  const at::NoGradGuard guard;
  ModelInput input;
  input.ids_BT = at::tensor(ids, at::kLong).unsqueeze(0);
  input.positions_BT = at::arange(static_cast<std::int64_t>(ids.size()), at::kLong).unsqueeze(0);
  const at::Tensor log_probs_TV = at::log_softmax(model.logits(input).squeeze(0), 1);
  double sum = 0;
  for (std::size_t k = 0; k < dialogue.answer.size(); ++k) {
    const auto t = static_cast<std::int64_t>(dialogue.prompt.size() + k) - 1;
    sum += log_probs_TV[t][dialogue.answer[k]].item<double>();
  }
  return sum;
}

}  // namespace temper::test
