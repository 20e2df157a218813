// The mathematics of a pairwise comparison: how often one side's answers are preferred, and how often they would be if both
// sides' answers were of one length. No models and no texts.
#pragma once

#include <cstdint>
#include <vector>

#include "temper/metrics.h"

namespace temper::helpfulness {

/// One prompt that both sides answered.
struct Duel {
  double preference = 0.5;       ///< for our side: 1 won, 0 lost, 0.5 tie, or a judge's probability
  double length_difference = 0;  ///< our answer's characters minus the other's
};

/// Mean preference with its normal interval: AlpacaEval's win rate and standard error, as shares.
MetricValue win_rate(MetricSpec spec, const std::vector<Duel>& duels);

/// Preference = sigmoid(a + b tanh(d / s)), d the length difference and s its deviation over the duels: logistic regression
/// by Newton's method with a ridge of 1e-3 on b, which keeps separable data finite.
/// Source: Dubois et al., "Length-Controlled AlpacaEval" (2024), equation 2 without the term of the prompt's difficulty,
/// which needs many systems to fit.
struct LengthFit {
  double intercept = 0, slope = 0, scale = 0;
  bool converged = false;
};
LengthFit fit_length(const std::vector<Duel>& duels);

/// sigmoid(a): the win rate at equal lengths, with a percentile bootstrap interval over duels. NaN interval with under two.
MetricValue length_controlled_win_rate(MetricSpec spec, const std::vector<Duel>& duels, std::uint64_t seed,
                                       int resamples = 1000);

}  // namespace temper::helpfulness
