// Columns and metrics about some of the items only: a value an item, or a gap. Whether an item counts must not depend on the
// model, so that all stages have the same columns. Used by hallucination.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temper/evaluator.h"

namespace temper::hallucination {

class Ratio {
 public:
  void add(double above, double below = 1) {
    above_.push_back(above);
    below_.push_back(below);
  }
  void skip() { add(0, 0); }
  void add_if(bool about, double above, double below = 1) { about ? add(above, below) : skip(); }
  /// The ratio of sums (a mean where all that counts has 1 below) with NAME.num and NAME.den as columns and an interval by
  /// bootstrap over the items' sources. Nothing if none count. The result's examples must be complete.
  void put(EvalResult& result, const MetricSpec& spec, std::uint64_t seed) const;

 private:
  std::vector<double> above_, below_;
};

}  // namespace temper::hallucination
