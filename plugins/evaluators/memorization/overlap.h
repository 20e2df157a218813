// What the model's own text shares with its training documents: the longest passages, and personal data that stands there.
// The openings are those of held-out documents, and the baseline is how their authors went on: people quote, too.
// Sources: McCoy et al., "How Much Do Language Models Copy From Their Training Data?" (2023); personal data: Lukas et al.,
// "Analyzing Leakage of Personally Identifiable Information in Language Models" (2023).
#pragma once

#include "corpus_index.h"
#include "memorization.h"
#include "memorization_sheet.h"

namespace temper::memorization {

/// Nothing if there is no held-out document with an opening and something behind it.
void measure_overlap(EvalContext& context, const Params& params, const std::vector<Document>& training,
                     const std::vector<Document>& held_out, const CorpusIndex& index, Sheet& sheet);

}  // namespace temper::memorization
