// Batched scoring (see scorer.h).
#include "host/infer/scorer.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <numeric>

#include "temper/batch.h"
#include "temper/loss.h"

namespace temper {

std::vector<ScoreWindow> score_windows(const ScoreRequest& request, std::int64_t limit) {
  if (request.continuation_ids.empty()) throw DataError("a continuation to score has no tokens");
  if (request.context_ids.empty()) {
    throw DataError("a continuation to score has no context; put BOS or the text's first token there");
  }
  std::vector<std::int32_t> all = request.context_ids;
  all.insert(all.end(), request.continuation_ids.begin(), request.continuation_ids.end());
  const std::size_t width = limit > 0 ? static_cast<std::size_t>(limit) : all.size();
  std::vector<ScoreWindow> windows;
  std::size_t first = request.context_ids.size();
  while (first < all.size()) {
    // Targets [first, last): the inputs end one before the last target and reach back as far as the limit allows. Context
    // before the first window is kept if the window has room for it, so a short continuation is one window.
    const std::size_t last = std::min(all.size(), first + width);
    const std::size_t start = last - 1 > width ? last - 1 - width : 0;
    const std::size_t begin = std::min(start, first - 1);
    ScoreWindow window;
    window.input.assign(all.begin() + static_cast<std::ptrdiff_t>(begin),
                        all.begin() + static_cast<std::ptrdiff_t>(last - 1));
    window.targets.assign(all.begin() + static_cast<std::ptrdiff_t>(first), all.begin() + static_cast<std::ptrdiff_t>(last));
    windows.push_back(std::move(window));
    first = last;
  }
  return windows;
}

BatchScorer::BatchScorer(Architecture& model, const Tokenizer& tokenizer, std::function<bool()> cancelled,
                         std::int64_t batch_tokens)
    : model_(model), tokenizer_(tokenizer), cancelled_(std::move(cancelled)), batch_tokens_(batch_tokens) {}

std::vector<Score> BatchScorer::score(const std::vector<ScoreRequest>& requests) {
  const at::NoGradGuard guard;
  const bool was_training = model_.is_training();
  model_.train(false);
  struct Part {
    std::size_t request, offset;
    ScoreWindow window;
  };
  std::vector<Part> parts;
  std::vector<Score> scores(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    std::size_t offset = 0;
    for (auto& window : score_windows(requests[i], model_.traits().max_positions)) {
      const std::size_t count = window.targets.size();
      parts.push_back({i, offset, std::move(window)});
      offset += count;
    }
    scores[i].log_probs.resize(offset);
    scores[i].is_greedy = true;
  }
  std::stable_sort(parts.begin(), parts.end(),
                   [](const Part& a, const Part& b) { return a.window.input.size() > b.window.input.size(); });
  for (std::size_t start = 0; start < parts.size();) {
    if (cancelled_ && cancelled_()) throw Cancelled("stopped while scoring");
    const auto length = static_cast<std::int64_t>(parts[start].window.input.size());
    const auto count = std::min<std::size_t>(parts.size() - start,
                                             static_cast<std::size_t>(std::max<std::int64_t>(1, batch_tokens_ / length)));
    std::vector<Example> examples;
    for (std::size_t i = start; i < start + count; ++i) {
      const auto& window = parts[i].window;
      Example example;
      example.ids.assign(window.input.begin(), window.input.end());
      example.labels.assign(window.input.size() - window.targets.size(), kIgnoreLabel);
      example.labels.insert(example.labels.end(), window.targets.begin(), window.targets.end());
      examples.push_back(std::move(example));
    }
    const Batch batch = pad_examples(examples, length, tokenizer_.pad_id());
    const at::Tensor hidden_BTD = model_.hidden(batch.input);
    at::Tensor is_argmax_N;
    const at::Tensor log_probs_N =
        linear_log_probs(hidden_BTD.flatten(0, 1), model_.head(), batch.labels_BT.flatten(), &is_argmax_N);
    const float* values = log_probs_N.const_data_ptr<float>();
    const bool* greedy = is_argmax_N.const_data_ptr<bool>();
    for (std::size_t i = 0; i < count; ++i) {
      const Part& part = parts[start + i];
      const std::size_t row = i * static_cast<std::size_t>(length) + part.window.input.size() - part.window.targets.size();
      Score& score = scores[part.request];
      for (std::size_t t = 0; t < part.window.targets.size(); ++t) {
        score.log_probs[part.offset + t] = values[row + t];
        score.is_greedy = score.is_greedy && greedy[row + t];
      }
    }
    start += count;
  }
  for (auto& score : scores) {
    for (const float value : score.log_probs) score.sum += value;
  }
  model_.train(was_training);
  return scores;
}

}  // namespace temper
