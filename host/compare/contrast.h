// The statistics of a contrast between runs: a signed sum of their values, such as a difference or a difference of
// differences, averaged over contexts (the other axes' values) and seeds, with a bootstrap interval over items and seeds.
//
// With items i, item weights w and a run r, the run's metric is M(r; w) = sum_i w_i num_ri / sum_i w_i den_ri. A term t is
// one context with one seed s(t) and its runs with signs. With seed weights u the contrast is
//
//   C(w, u) = sum_t u_s(t) sum_{r in t} sign_r M(r; w)  /  sum_t u_s(t)
//
// The estimate has all weights 1. Each bootstrap draw takes as many items (or clusters of items) as there are, with
// replacement, the same for all runs, and as many seeds as there are, the same for all contexts; weights count how often
// each was taken. The interval is from the 2.5th to the 97.5th percentile. With few seeds it is somewhat too narrow, as
// bootstraps of few units are; with one seed it says nothing about others. Checked against NumPy in tests/reference/effects.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/compare/statistics.h"

namespace temper {

struct SignedRun {
  int sign = 1;
  const std::vector<ItemValue>* items = nullptr;  ///< in the same order for all runs
};

struct ContrastTerm {
  std::string seed;
  std::vector<SignedRun> runs;
};

struct Contrast {
  double value = 0;
  double std_error = 0, ci_low = 0, ci_high = 0;  ///< NaN where neither items nor seeds can be drawn
  double p_value = 1;                             ///< two-sided, of the bootstrap: at least 2 over draws + 1
  std::int64_t items = 0, seeds = 0, terms = 0;
};

/// At least one term, each with at least one run. `clusters` as in paired_difference. Deterministic by `seed`.
Contrast bootstrap_contrast(const std::vector<ContrastTerm>& terms, const std::vector<std::string>& clusters,
                            std::uint64_t seed, int draws = 10000);

}  // namespace temper
