// Membership inference: can one tell from the model's losses which documents it was trained on? Three attacks by threshold,
// each reported as the area under its ROC curve: 0.5 is chance, 1 tells every time.
// Sources: loss: Yeom et al., "Privacy Risk in Machine Learning" (2018); zlib ratio: Carlini et al., "Extracting Training
// Data from Large Language Models" (2021), section 5.1; min-k%: Shi et al., "Detecting Pretraining Data from Large Language
// Models" (2024).
#pragma once

#include "corpus_index.h"
#include "memorization.h"
#include "memorization_sheet.h"

namespace temper::memorization {

/// Beginnings of training and of held-out documents, cut to one length. Nothing if either side has fewer than two.
void measure_membership(EvalContext& context, const Params& params, const std::vector<Document>& training,
                        const std::vector<Document>& held_out, const CorpusIndex& index, Sheet& sheet);

/// The chance that a member scores higher than a non-member, ties counting half. Both need a value.
double area_under_roc(const std::vector<double>& members, const std::vector<double>& others);
/// The same with a 95% bootstrap interval; members and others are drawn apart.
MetricValue area_metric(const MetricSpec& spec, const std::vector<double>& members, const std::vector<double>& others,
                        std::uint64_t seed, int resamples = 1000);
/// Mean of the lowest `share` of the values, of at least one.
double mean_of_lowest(std::vector<float> values, double share);

}  // namespace temper::memorization
