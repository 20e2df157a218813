// MinHash signatures and their bands: documents that share many shingles agree in some band with a known probability.
// Sources: Broder, "On the resemblance and containment of documents" (1997); Leskovec, Rajaraman and Ullman, "Mining of
// Massive Datasets", section 3.4 (bands). Used by near_dedup.h, which compares what agrees.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace temper::filters {

class MinHash {
 public:
  /// `count` hash functions drawn from `seed`.
  MinHash(std::size_t count, std::uint64_t seed);
  std::size_t size() const { return count_; }
  /// The smallest value of each function over the set (repeats do nothing); of an empty set all ones. [any]
  std::vector<std::uint32_t> signature(const std::vector<std::uint64_t>& set) const;

 private:
  std::size_t count_;
  std::uint64_t seed_;
  std::vector<std::uint32_t> factors_, summands_;  ///< padded to whole blocks
};

/// Share of equal places: an unbiased estimate of the sets' Jaccard similarity.
double estimate(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b);

/// One number for each of `bands` runs of equally many places; places left over are not used.
std::vector<std::uint64_t> band_hashes(const std::vector<std::uint32_t>& signature, std::size_t bands);

/// Probability that two documents of this similarity agree in at least one band.
double candidate_probability(double similarity, std::size_t bands, std::size_t rows);

}  // namespace temper::filters
