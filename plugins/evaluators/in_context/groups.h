// Scores of several parts put together: over all items (micro) or over the parts, each counting the same (macro), each with
// the standard error that belongs to it (P-EVAL-10) and a normal interval within 0 and 1. Parts are fixed, items are drawn
// within them.
#pragma once

#include <vector>

#include "temper/metrics.h"

namespace temper::in_context {

/// One part's share, its standard error and its number of items.
struct Part {
  double mean = 0, std_error = 0;
  std::int64_t n = 0;
};
/// Weights are the parts' shares of the items.
MetricValue micro_mean(MetricSpec spec, const std::vector<Part>& parts);
/// Weights are equal.
MetricValue macro_mean(MetricSpec spec, const std::vector<Part>& parts);

}  // namespace temper::in_context
