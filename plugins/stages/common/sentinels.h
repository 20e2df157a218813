// Checks that a stage makes on its own first data before it trains, stored in the record; a failed one stops the run with
// the evidence. Each answers to a fault that trainers have had: see the sentences in sentinels.cpp.
#pragma once

#include <vector>

#include "dialogues.h"
#include "temper/context.h"

namespace temper::stages {

/// How far two float32 readings of the same tokens may lie apart: on average, and at any one of thousands of tokens, where
/// sums in another order round otherwise (a log-probability of -12 by 1e-6 a step). What is wrong is further off in both.
inline constexpr double kMeanReadingLimit = 1e-5, kReadingLimit = 1e-4;

/// Batch companions and the padding side do not change log-probabilities (model() in evaluation mode).
void check_reading(StageContext& context, const std::vector<Dialogue>& dialogues, double temperature);
/// Labels are the answer and its end token, nothing of the prompt.
void check_labels(StageContext& context, const std::vector<Dialogue>& dialogues);
/// The position at which a reward is read holds the answer's last token.
void check_reward_position(StageContext& context, const std::vector<Dialogue>& dialogues);

}  // namespace temper::stages
