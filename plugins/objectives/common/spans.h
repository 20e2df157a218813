// Removed spans, as T5 draws them: how many tokens and spans of a text of a given length, a random mask with exactly these
// numbers, and what is left on the two sides of a mask. Used by the objectives span_corruption and ul2.
// Source: Raffel et al., "Exploring the limits of transfer learning with a unified text-to-text transformer" (2020).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "temper/random.h"

namespace temper::objectives {

/// A way of corrupting text: the share of tokens removed and the mean length of the spans that they are removed in.
struct Noise {
  double density = 0.15, mean_span = 3;
};

struct SpanCounts {
  std::int64_t noise = 0;  ///< tokens removed
  std::int64_t spans = 0;  ///< in this many spans, none beside another
};

/// Rounded half to even, as the reference rounds (P-T5-05), with at least one token and one span removed, at least one token
/// kept, and no more spans than tokens that are kept (P-T5-04). Nothing is removed from fewer than two tokens.
SpanCounts span_counts(std::int64_t length, const Noise& noise);

/// True where a token is removed. It begins with a kept token and ends with a removed one; spans never touch. All masks of
/// these counts are equally likely.
std::vector<bool> random_mask(std::int64_t length, const Noise& noise, Rng& rng);

/// The text with each run of masked tokens replaced by the next sentinel; applied to the complement of a mask it gives what
/// was removed, each span behind its sentinel. Throws PluginError if the sentinels do not suffice.
std::vector<std::int64_t> replace_runs(std::span<const std::int32_t> tokens, const std::vector<bool>& mask,
                                       std::span<const std::int32_t> sentinels);
std::vector<bool> complement(std::vector<bool> mask);

/// Lengths of the two sides, EOS behind each.
struct SideLengths {
  std::int64_t source = 0, target = 0;
};
SideLengths side_lengths(std::int64_t length, const Noise& noise);

/// The longest text whose two sides satisfy `fits`, or 0. Both sides grow with the text.
std::int64_t longest_text(const Noise& noise, const std::function<bool(const SideLengths&)>& fits);

}  // namespace temper::objectives
