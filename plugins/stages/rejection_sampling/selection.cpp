// Choosing answers (see selection.h).
#include "selection.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace temper::rejection_sampling {

Selection select(const stages::Rollouts& rollouts, const SelectionRule& rule) {
  const at::Tensor scores_B = rollouts.shaped.scores_B.to(at::kDouble).contiguous();
  const at::Tensor finished_B = rollouts.finished_B.contiguous();
  const double* scores = scores_B.const_data_ptr<double>();
  const bool* finished = finished_B.const_data_ptr<bool>();
  Selection selection;
  const auto answers = static_cast<std::int64_t>(rollouts.dialogues.size());
  for (std::int64_t first = 0; first < answers; first += rule.answers_per_prompt) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(std::min(rule.answers_per_prompt, answers - first)));
    std::iota(order.begin(), order.end(), first);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return scores[a] > scores[b]; });
    std::set<std::vector<std::int64_t>> seen;
    std::int64_t kept = 0;
    for (const std::int64_t answer : order) {
      if (rule.finished_only && !finished[answer]) {
        ++selection.unfinished;
      } else if (!(scores[answer] >= rule.threshold)) {
        ++selection.below;
      } else if (!seen.insert(rollouts.dialogues[static_cast<std::size_t>(answer)].answer).second) {
        ++selection.repeated;
      } else if (kept < rule.keep) {
        selection.kept.push_back(answer);
        ++kept;
      }
    }
  }
  return selection;
}

double best_score(const stages::Rollouts& rollouts, std::int64_t answers_per_prompt) {
  return rollouts.raw.scores_B.view({-1, answers_per_prompt}).amax(1).mean().item<double>();
}

}  // namespace temper::rejection_sampling
