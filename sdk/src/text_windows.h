// Scores of a long text's windows that overlap by half. Each half is counted once, and a window is the sum of its two
// halves, put right where both hold a bucket and for the runs of words from one into the other. Private to the SDK.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "classifier_model.h"
#include "text_features.h"

namespace temper {

/// Calls `take` with the probabilities of the windows of 2 * half tokens that begin at from * half, (from + 1) * half, ...
/// and lie wholly within the text. A text's leading words do not count again.
void each_even_window(const ClassifierModel& model, const Tokens& tokens, std::size_t half, std::size_t from,
                      const std::function<void(const std::vector<double>&)>& take);

}  // namespace temper
