// Counts, masks and sides (see spans.h).
#include "spans.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "temper/error.h"

namespace temper::objectives {
namespace {

/// std::round would round 4.5 away from zero; the default rounding mode rounds it to the even 4.
std::int64_t round_half_even(double value) { return static_cast<std::int64_t>(std::nearbyint(value)); }

/// `items` cut into `segments` parts of at least one, all ways equally likely: the cuts are drawn without replacement.
std::vector<std::int64_t> random_segments(std::int64_t items, std::int64_t segments, Rng& rng) {
  std::vector<std::int64_t> lengths;
  std::int64_t length = 1;
  auto cuts = static_cast<std::uint64_t>(segments - 1);
  for (auto places = static_cast<std::uint64_t>(items - 1); places > 0; --places) {
    if (rng.below(places) < cuts) {
      lengths.push_back(std::exchange(length, 1));
      --cuts;
    } else {
      ++length;
    }
  }
  lengths.push_back(length);
  return lengths;
}

}  // namespace

SpanCounts span_counts(std::int64_t length, const Noise& noise) {
  if (length < 2) return {0, 0};
  const std::int64_t rounded = round_half_even(static_cast<double>(length) * noise.density);
  const std::int64_t removed = std::clamp<std::int64_t>(rounded, 1, length - 1);
  const std::int64_t wanted = round_half_even(static_cast<double>(removed) / noise.mean_span);
  return {removed, std::clamp<std::int64_t>(wanted, 1, std::min(removed, length - removed))};
}

std::vector<bool> random_mask(std::int64_t length, const Noise& noise, Rng& rng) {
  const SpanCounts counts = span_counts(length, noise);
  std::vector<bool> mask;
  if (counts.spans == 0) {
    mask.resize(static_cast<std::size_t>(length), false);
    return mask;
  }
  const auto removed = random_segments(counts.noise, counts.spans, rng);
  const auto kept = random_segments(length - counts.noise, counts.spans, rng);
  for (std::size_t i = 0; i < removed.size(); ++i) {
    mask.insert(mask.end(), static_cast<std::size_t>(kept[i]), false);
    mask.insert(mask.end(), static_cast<std::size_t>(removed[i]), true);
  }
  return mask;
}

std::vector<std::int64_t> replace_runs(std::span<const std::int32_t> tokens, const std::vector<bool>& mask,
                                       std::span<const std::int32_t> sentinels) {
  if (tokens.size() != mask.size()) {
    throw PluginError("a mask of " + std::to_string(mask.size()) + " positions does not fit a text of " +
                      std::to_string(tokens.size()) + " tokens");
  }
  std::vector<std::int64_t> result;
  std::size_t runs = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (!mask[i]) {
      result.push_back(tokens[i]);
      continue;
    }
    if (i > 0 && mask[i - 1]) continue;
    if (runs == sentinels.size()) {
      throw PluginError("the text has more removed spans than the " + std::to_string(sentinels.size()) +
                        " sentinels of the tokenizer");
    }
    result.push_back(sentinels[runs++]);
  }
  return result;
}

std::vector<bool> complement(std::vector<bool> mask) {
  mask.flip();
  return mask;
}

SideLengths side_lengths(std::int64_t length, const Noise& noise) {
  const SpanCounts counts = span_counts(length, noise);
  return {length - counts.noise + counts.spans + 1, counts.noise + counts.spans + 1};
}

std::int64_t longest_text(const Noise& noise, const std::function<bool(const SideLengths&)>& fits) {
  std::int64_t length = 0;
  while (fits(side_lengths(length + 1, noise))) ++length;
  return length;
}

}  // namespace temper::objectives
