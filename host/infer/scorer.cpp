// Batched scoring (see scorer.h).
#include "host/infer/scorer.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <numeric>

#include "host/infer/shared_prefix.h"
#include "temper/batch.h"
#include "temper/evaluation_mode.h"
#include "temper/loss.h"

namespace temper {
namespace {

std::int64_t longer_side(const ScoreWindow& window) {
  return static_cast<std::int64_t>(std::max(window.input.size(), window.source.size()));
}

Example example_of(const ScoreWindow& window, bool mark_prefix) {
  Example example;
  example.ids.assign(window.input.begin(), window.input.end());
  example.labels.assign(window.input.size() - window.targets.size(), kIgnoreLabel);
  example.labels.insert(example.labels.end(), window.targets.begin(), window.targets.end());
  example.source.assign(window.source.begin(), window.source.end());
  if (mark_prefix) example.prefix = window.context;
  return example;
}

}  // namespace

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
    window.context = static_cast<std::int64_t>(first - begin);
    windows.push_back(std::move(window));
    first = last;
  }
  return windows;
}

std::vector<ScoreWindow> score_windows_with_source(const ScoreRequest& request, std::int64_t limit, std::int32_t pad_id,
                                                   std::int32_t eos_id) {
  if (request.continuation_ids.empty()) throw DataError("a continuation to score has no tokens");
  std::vector<std::int32_t> all = request.context_ids;
  while (!all.empty() && all.back() == eos_id) all.pop_back();
  std::size_t first = all.size();
  all.insert(all.end(), request.continuation_ids.begin(), request.continuation_ids.end());
  const auto at = [&](std::size_t index) { return all.begin() + static_cast<std::ptrdiff_t>(index); };
  const std::size_t width = limit > 0 ? static_cast<std::size_t>(limit) : all.size() + 1;
  std::vector<ScoreWindow> windows;
  while (first < all.size()) {
    const std::size_t last = std::min(all.size(), first + width);
    ScoreWindow window;
    window.source.assign(at(first - std::min(first, width - 1)), at(first));
    window.source.push_back(eos_id);
    window.input = {pad_id};
    window.input.insert(window.input.end(), at(first), at(last - 1));
    window.targets.assign(at(first), at(last));
    windows.push_back(std::move(window));
    first = last;
  }
  return windows;
}

BatchScorer::BatchScorer(Architecture& model, const Tokenizer& tokenizer, std::function<bool()> cancelled,
                         std::int64_t batch_tokens, bool share)
    : model_(model), tokenizer_(tokenizer), cancelled_(std::move(cancelled)), batch_tokens_(batch_tokens), share_(share) {}

std::vector<Score> BatchScorer::score(const std::vector<ScoreRequest>& requests) {
  const at::NoGradGuard guard;
  const EvaluationMode mode(model_);
  const ArchitectureTraits traits = model_.traits();
  const auto windows_of = [&](const ScoreRequest& request) {
    if (!traits.encoder_decoder) return score_windows(request, traits.max_positions);
    return score_windows_with_source(request, traits.max_positions, tokenizer_.pad_id(), tokenizer_.eos_ids().front());
  };
  struct Part {
    std::size_t request, offset;
  };
  std::vector<Part> parts;
  std::vector<ScoreWindow> windows;
  std::vector<Score> scores(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    std::size_t offset = 0;
    for (auto& window : windows_of(requests[i])) {
      parts.push_back({i, offset});
      offset += window.targets.size();
      windows.push_back(std::move(window));
    }
    scores[i].log_probs.resize(offset);
    scores[i].is_greedy = true;
  }
  const auto on_target = [&](std::size_t window, std::size_t target, float log_prob, bool greedy) {
    Score& score = scores[parts[window].request];
    score.log_probs[parts[window].offset + target] = log_prob;
    score.is_greedy = score.is_greedy && greedy;
  };
  std::vector<bool> shared(windows.size(), false);
  if (auto* decoder = dynamic_cast<IncrementalDecoder*>(&model_); decoder != nullptr && share_) {
    const auto plan = plan_sharing(windows, !traits.prefix_attention, batch_tokens_);
    for (const auto& beginning : plan) {
      for (const auto& context : beginning.contexts) {
        for (const std::size_t index : context.windows) shared[index] = true;
      }
    }
    score_shared(model_, *decoder, tokenizer_.pad_id(), windows, plan, batch_tokens_, cancelled_, on_target);
  }
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    if (!shared[i]) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return longer_side(windows[a]) > longer_side(windows[b]); });
  for (std::size_t start = 0; start < order.size();) {
    if (cancelled_ && cancelled_()) throw Cancelled("stopped while scoring");
    const std::int64_t rows = std::max<std::int64_t>(1, batch_tokens_ / longer_side(windows[order[start]]));
    const std::size_t count = std::min(order.size() - start, static_cast<std::size_t>(rows));
    std::vector<Example> examples;
    std::size_t length = 0;
    for (std::size_t i = start; i < start + count; ++i) {
      examples.push_back(example_of(windows[order[i]], traits.prefix_attention));
      length = std::max(length, examples.back().ids.size());
    }
    const Batch batch =
        to_device(pad_examples(examples, static_cast<std::int64_t>(length), tokenizer_.pad_id()), model_.device());
    const at::Tensor hidden_BTD = model_.hidden(batch.input);
    at::Tensor is_argmax_N;
    const at::Tensor log_probs_N =
        linear_log_probs(hidden_BTD.flatten(0, 1), model_.head(), batch.labels_BT.flatten(), &is_argmax_N).to(at::kCPU);
    is_argmax_N = is_argmax_N.to(at::kCPU);
    const float* values = log_probs_N.const_data_ptr<float>();
    const bool* greedy = is_argmax_N.const_data_ptr<bool>();
    for (std::size_t i = 0; i < count; ++i) {
      const ScoreWindow& window = windows[order[start + i]];
      const std::size_t row = i * length + window.input.size() - window.targets.size();
      for (std::size_t t = 0; t < window.targets.size(); ++t)
        on_target(order[start + i], t, values[row + t], greedy[row + t]);
    }
    start += count;
  }
  for (auto& score : scores) {
    for (const float value : score.log_probs) score.sum += value;
  }
  return scores;
}

}  // namespace temper
