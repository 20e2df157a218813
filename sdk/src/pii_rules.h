// The rules of pii.h: for each form a clue to where it can begin (pii_clues.h), a pattern that finds
// candidates, and what has to hold for a candidate to count.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "pii_clues.h"
#include "temper/pii.h"

namespace temper::pii {

/// What became of a candidate: its end, which may lie before the pattern's, or 0 for none, and its score.
struct Accepted {
  std::size_t end = 0;
  double score = 0;
};

struct Rule {
  PiiType type;
  double score;
  Clue clue;                 ///< where a match can begin
  std::string_view pattern;  ///< PCRE2; no unbounded repetition, so that time is linear
  Accepted (*accept)(std::string_view text, std::size_t begin, std::size_t end, double score);  ///< null: all count
};

const std::vector<Rule>& rules();

}  // namespace temper::pii
