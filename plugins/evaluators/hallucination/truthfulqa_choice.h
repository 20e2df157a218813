// TruthfulQA by likelihood: how probable the model finds each option after the question, as MC1 and MC2. Source: Lin, Hilton
// and Evans (2022), section 3.1 and their code; the scoring itself is common/multiple_choice.h. Used by hallucination.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "questions.h"
#include "truthfulqa.h"

namespace temper::hallucination {

/// Adds mc1 and mc2 over the questions that have options. `seed` is that of the intervals.
void add_choices(EvalResult& result, EvalContext& context, const std::vector<evaluators::Question>& questions,
                 const std::vector<std::optional<TruthOptions>>& options, std::uint64_t seed);

}  // namespace temper::hallucination
