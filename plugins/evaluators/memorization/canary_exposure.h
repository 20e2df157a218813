// Planted secrets: how much better does the model like the true digits than others in their place? Exposure is log2 of the
// number of candidates less log2 of the true one's rank among them, by log-perplexity.
// Source: Carlini et al., "The Secret Sharer" (2019), sections 4.2 (exposure) and 4.3 (approximation by sampling).
#pragma once

#include "corpus_index.h"
#include "memorization.h"
#include "memorization_sheet.h"

namespace temper::memorization {

/// Adds a row for each item of task `canary` of params.canaries. Throws DataError if there is none, if one lacks what it
/// needs, or if none of those that were planted stands in the training documents.
void measure_canaries(EvalContext& context, const Params& params, const CorpusIndex& index, Sheet& sheet);

/// What a model that knows nothing gets on average, when each rank among `candidates` is equally likely:
/// log2 N - log2(N!) / N, which goes to log2 e = 1.4427 bits.
double expected_exposure(std::int64_t candidates);

/// Exposure beyond what a sample of candidates can show: -log2 of the chance that another secret's log-probability is at
/// least `truth`, from a normal distribution fitted to those of `others`. At most `most`, the log2 of how many secrets there
/// are. The paper fits a skewed normal; a plain one needs no search and is nearly the same where digits are drawn evenly.
double fitted_exposure(double truth, const std::vector<double>& others, double most);

}  // namespace temper::memorization
