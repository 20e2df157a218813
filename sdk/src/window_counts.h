// How often features were there in the half of a window that is read now and in the one before, and the loop over the
// features of words that does most of a text classifier's work. Private to the SDK; see text_windows.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace temper {

/// A feature that was met: the last half that had it (the upper 16 bits), the model's row (32 bits), how often it was there
/// in the half before that one and in that one (8 bits each). So nothing has to be cleared: what is of an older half is
/// none. A count of 255 or more is kept elsewhere, and one of 128 or more counted there.
using Tally = std::uint64_t;
constexpr std::uint64_t kRowBits = 0x0000FFFFFFFF0000ULL, kMayBeMany = 0x8080;
constexpr Tally new_tally(std::uint32_t row) { return Tally{row} << 16; }

constexpr std::uint64_t half_of(Tally tally) { return tally >> 48; }

/// What is added for a feature of some row (the middle 32 bits): a step for the window (the upper 16 bits) and one for the
/// half, see text_windows.h.
using Change = std::uint64_t;
constexpr Change change_of(Tally feature, std::uint64_t half_step, std::uint64_t window_step) {
  return (feature & kRowBits) | (window_step << 48) | half_step;
}
constexpr std::size_t row_of(Change change) { return (change >> 16) & 0xFFFFFFFF; }
constexpr std::size_t half_step_of(Change change) { return change & 0xFFFF; }
constexpr std::size_t window_step_of(Change change) { return change >> 48; }

/// How often it was there in the last half and the one before, as 8 bits each, seen from the half `half_now`.
constexpr std::uint64_t counts_in(Tally feature, std::uint64_t half_now) {
  const std::uint64_t age = half_now - (feature >> 48);
  return age > 1 ? 0 : ((feature & 0xFFFF) << (8 * age)) & 0xFFFF;
}
constexpr Tally with_counts(Tally feature, std::uint64_t half_now, std::uint64_t counts) {
  return (half_now << 48) | (feature & kRowBits) | counts;
}

/// A word's features come in blocks, filled up with 0, the number of none; in a block and in its word they differ.
constexpr std::size_t kFeatureBlock = 4;

struct CountLoop {
  std::span<const std::uint32_t* const> blocks;  ///< kFeatureBlock numbers each
  Tally* tallies;                                ///< by number
  std::uint64_t half_now;
  std::uint64_t step_zero;  ///< the step of a count of 0, the others follow
  Change* changes;          ///< of the features that are not new; room for those of all blocks
  std::size_t block = 0, noted = 0;

  /// Counts each feature once more; stops in front of a block that may have many. Gives whether it came to the end.
  bool run();
  /// The same without vectors, for processors that have none.
  bool run_one_by_one();
};

}  // namespace temper
