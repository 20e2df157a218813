// Extraction: prompted with training text, does the model go on with what stands behind it there, word for word? By length
// of the prompt, by how often the passage stands in the training documents, and, as a control, on held-out documents.
// Sources: Carlini et al., "Extracting Training Data from Large Language Models" (2021); Carlini et al., "Quantifying
// Memorization Across Neural Language Models" (2023); several tries: Hayes et al., "Measuring memorization in language
// models via probabilistic extraction" (2025).
#pragma once

#include "corpus_index.h"
#include "memorization.h"
#include "memorization_sheet.h"

namespace temper::memorization {

/// Declares its metrics and adds its rows. Nothing if no document is long enough.
void measure_extraction(EvalContext& context, const Params& params, const std::vector<Document>& training,
                        const std::vector<Document>& held_out, const CorpusIndex& index, Sheet& sheet);

}  // namespace temper::memorization
