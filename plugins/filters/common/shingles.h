// Runs of n units as numbers, sets of them, and how much two sets have in common. The number of a run is a polynomial in its
// units' hashes modulo the prime 2^61 - 1 (Carter and Wegman, "Universal classes of hash functions", 1979), so that it rolls
// along the text and two different runs meet with a probability of about n / 2^61.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "words.h"

namespace temper::filters {

/// (a * x + b) modulo 2^61 - 1, without losing the product's upper half.
std::uint64_t linear_mod61(std::uint64_t a, std::uint64_t x, std::uint64_t b);

/// Of each run of n units, in order. Fewer than n units are one run, whatever their number; none gives nothing.
std::vector<std::uint64_t> shingles(const std::vector<std::uint64_t>& units, std::size_t n);

/// A document's shingles as they come, some maybe twice. A text without any word, but not blank, is one shingle of its own.
std::vector<std::uint64_t> shingle_list(std::string_view text, Unit unit, std::size_t n);
/// The same, sorted, each once.
std::vector<std::uint64_t> shingle_set(std::string_view text, Unit unit, std::size_t n);

/// |A and B| / |A or B| of sorted sets; 1 for two empty ones.
double jaccard(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b);

}  // namespace temper::filters
