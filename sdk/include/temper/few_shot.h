// Few-shot prompts: a task description, demonstrations, and the input. Demonstrations are drawn by seed and item, never
// the item itself or a twin of it, so that a prompt depends on nothing but seed, item and pool.
// Source: Brown et al., "Language Models are Few-Shot Learners" (2020), section 2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "temper/error.h"

namespace temper {

struct Demonstration {
  std::string id;  ///< unique in the pool; where pool and test set overlap, equal ids mean the same item
  std::string input, output;
  std::string label;  ///< the class for balanced drawing; "" is none
};

struct FewShotParams {
  std::int64_t shots = 0;  ///< demonstrations; 0 is zero-shot
  bool balanced = false;   ///< as many of each label as possible
  std::string description;
  std::string input_prefix, output_prefix = "";  ///< e.g. "Q: " and "A: "
  std::string output_separator = "\n";           ///< between input and output
  std::string shot_separator = "\n\n";
};

struct FewShotChoice {
  std::vector<std::size_t> shots;  ///< indices into the pool, in the order they are shown
  std::int64_t excluded = 0;       ///< pool entries that are the item or its twin
};

/// The item as it is compared with the pool: letters and digits of any script in lower case, words sorted, so that case,
/// spaces, punctuation and the order of options make no difference (P-EVAL-07).
TEMPER_API std::string twin_key(std::string_view text);
/// Throws DataError, with both numbers, if the pool without the item and its twins holds fewer than `params.shots`.
TEMPER_API FewShotChoice choose_demonstrations(const std::vector<Demonstration>& pool, const Demonstration& item,
                                               const FewShotParams& params, std::uint64_t seed);
/// Description, demonstrations, the item's input, and the output prefix without trailing space: what the model continues.
TEMPER_API std::string few_shot_prompt(const std::vector<Demonstration>& pool, const FewShotChoice& choice,
                                       const Demonstration& item, const FewShotParams& params);

}  // namespace temper
