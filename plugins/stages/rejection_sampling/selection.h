// Which of a round's sampled answers are learnt from.
#pragma once

#include <cstdint>
#include <vector>

#include "rollouts.h"

namespace temper::rejection_sampling {

struct SelectionRule {
  std::int64_t answers_per_prompt = 8;  ///< neighbours in the round
  std::int64_t keep = 1;                ///< at most so many of a prompt
  double threshold = -1e30;             ///< lowest score
  bool finished_only = true;
};

struct Selection {
  std::vector<std::int64_t> kept;                        ///< answers of the round, best first within a prompt
  std::int64_t unfinished = 0, below = 0, repeated = 0;  ///< why others were not eligible; each counted once, in this order
};

/// The best eligible answers of each prompt; of equal scores the one sampled first, of equal answers one.
Selection select(const stages::Rollouts& rollouts, const SelectionRule& rule);
/// Mean over prompts of the best score among all answers, eligible or not.
double best_score(const stages::Rollouts& rollouts, std::int64_t answers_per_prompt);

}  // namespace temper::rejection_sampling
