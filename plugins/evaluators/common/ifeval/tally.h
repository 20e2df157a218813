// Counts over prompts, from which both levels come: prompts with every instruction followed, and instructions followed.
// The instructions of one prompt share an answer, so intervals are over prompts; hence the counts of each.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace temper::instruction_following {

struct Tally {
  std::int64_t whole_prompts = 0;              ///< prompts with every instruction followed
  std::vector<double> followed, instructions;  ///< one entry a prompt

  void add(const std::vector<bool>& verdicts) {
    followed.push_back(static_cast<double>(std::count(verdicts.begin(), verdicts.end(), true)));
    instructions.push_back(static_cast<double>(verdicts.size()));
    whole_prompts += followed.back() == instructions.back() ? 1 : 0;
  }
};

}  // namespace temper::instruction_following
