// What a document says more than once: whole lines or paragraphs, and runs of tokens of every length. Used by the rules of
// quality.cpp, which set the limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokens.h"

namespace temper::quality {

/// Parts that stood before, the first of each not counted.
struct Duplicates {
  std::size_t count = 0, characters = 0;
};
Duplicates duplicates(const std::vector<std::string_view>& parts);

/// Runs of 2, then 3, 4, ... tokens that stand more than once. Only where a run of n tokens is repeated can one of n + 1 be,
/// so each length looks at what the one before has left, which soon is little. Runs are compared as numbers; two different
/// ones share a number with a probability of about 2^-64.
class RepeatedRuns {
 public:
  explicit RepeatedRuns(const std::vector<Token>& tokens);
  /// Goes on to the next length. Has to be called before the first.
  void lengthen();
  std::size_t length() const { return length_; }
  bool empty() const { return runs_.empty(); }
  /// Characters in the most frequent run, each occurrence counted, a space between tokens included.
  std::size_t most_frequent();
  /// Characters in runs that stood before, without overlaps.
  std::size_t standing_before();

 private:
  struct Run {
    std::size_t begin = 0;  ///< its first token
    std::uint64_t number = 0;
  };
  struct Place {
    std::uint64_t number = 0;
    std::size_t count = 0;
  };
  std::size_t characters(const Run& run) const {
    return characters_before_[run.begin + length_] - characters_before_[run.begin];
  }
  void leave_repeated();
  void clear_counts();
  /// How often the run has been counted since they were cleared, this time included.
  std::size_t count(const Run& run);

  std::vector<std::uint64_t> tokens_;
  std::vector<std::size_t> characters_before_;
  std::vector<Run> runs_;  ///< in the order of the text: all that are repeated, and by chance a few that are not
  std::vector<std::uint8_t> seen_;
  std::vector<Place> places_;
  std::size_t length_ = 1;
};

}  // namespace temper::quality
