// See ratio.h.
#include "ratio.h"

#include <algorithm>

namespace temper::hallucination {

void Ratio::put(EvalResult& result, const MetricSpec& spec, std::uint64_t seed) const {
  if (std::all_of(below_.begin(), below_.end(), [](double value) { return value == 0; })) return;
  result.score_names.push_back(spec.name + ".num");
  result.score_names.push_back(spec.name + ".den");
  std::vector<std::string> clusters;
  for (std::size_t i = 0; i < result.examples.size(); ++i) {
    result.examples[i].scores.push_back(above_[i]);
    result.examples[i].scores.push_back(below_[i]);
    clusters.push_back(result.examples[i].cluster);
  }
  result.metrics.push_back(clustered_metric(spec, above_, below_, clusters, seed));
}

}  // namespace temper::hallucination
