// Preference pairs as a reward model reads them: all answers to one prompt once, with the pairs among them, so that a
// ranking of K answers costs K forward passes and its K(K-1)/2 pairs never spread over batches (Ouyang et al., 2022, 3.5).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dialogues.h"
#include "temper/dataset.h"

namespace temper::stages {

struct AnswerPair {
  std::int64_t chosen = 0, rejected = 0;  ///< answers of the group
  std::int64_t dimension = 0;
  double margin = 0;
};

/// One prompt.
struct AnswerGroup {
  std::vector<Dialogue> answers;
  std::vector<AnswerPair> pairs;
};

struct GroupedPairs {
  std::vector<AnswerGroup> groups;
  std::int64_t pairs = 0, cut = 0;  ///< dialogues that did not fit the context whole
};

/// Throws DataError for a pair without one of its sides, with equal sides, or of a dimension that is not listed (unless
/// there is only one, which takes all).
GroupedPairs group_pairs(const std::vector<PreferencePair>& pairs, const std::vector<std::string>& dimensions,
                         const std::string& template_name, std::int64_t context_length, const Tokenizer& tokenizer,
                         const ArchitectureTraits& traits);

/// Rows of the groups' answers; extra holds per pair chosen_P and rejected_P (among the batch's dialogues), dimension_P,
/// margin_P and weight_P (1 / pairs of the prompt, so that every prompt counts once).
Batch pair_batch(const std::vector<const AnswerGroup*>& groups, const ArchitectureTraits& traits, std::int64_t pad_id,
                 std::int64_t row_length);

}  // namespace temper::stages
