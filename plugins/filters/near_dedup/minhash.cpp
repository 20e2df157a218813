// Signatures, a block of functions at a time so that the minima stay in registers (see minhash.h).
#include "minhash.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "temper/random.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace temper::filters {
namespace {

constexpr std::size_t kBlock = 32;

/// The functions are (a x + b) modulo 2^32 with odd a, of values that are mixed well before: the pass over a block is a
/// multiplication, an addition and a minimum for each function.
__attribute__((target_clones("avx512f", "avx2", "default"))) void block_minima(const std::uint32_t* values,
                                                                               std::size_t count,
                                                                               const std::uint32_t* factors,
                                                                               const std::uint32_t* summands,
                                                                               std::uint32_t* minima) {
  std::array<std::uint32_t, kBlock> a, b, least;
  for (std::size_t k = 0; k < kBlock; ++k) {
    a[k] = factors[k];
    b[k] = summands[k];
    least[k] = ~std::uint32_t{0};
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t x = values[i];
    for (std::size_t k = 0; k < kBlock; ++k) least[k] = std::min(least[k], a[k] * x + b[k]);
  }
  for (std::size_t k = 0; k < kBlock; ++k) minima[k] = least[k];
}

}  // namespace

MinHash::MinHash(std::size_t count, std::uint64_t seed) : count_(count), seed_(seed) {
  Rng rng(derive_seed(seed, {"minhash"}));
  const std::size_t padded = (count + kBlock - 1) / kBlock * kBlock;
  for (std::size_t i = 0; i < padded; ++i) {
    factors_.push_back(static_cast<std::uint32_t>(rng.next()) | 1U);
    summands_.push_back(static_cast<std::uint32_t>(rng.next()));
  }
}

std::vector<std::uint32_t> MinHash::signature(const std::vector<std::uint64_t>& set) const {
  std::vector<std::uint32_t> values(set.size());
  for (std::size_t i = 0; i < set.size(); ++i) {
    values[i] = static_cast<std::uint32_t>(XXH3_64bits_withSeed(&set[i], sizeof set[i], seed_) >> 32);
  }
  std::vector<std::uint32_t> minima(factors_.size());
  for (std::size_t at = 0; at < factors_.size(); at += kBlock) {
    block_minima(values.data(), values.size(), factors_.data() + at, summands_.data() + at, minima.data() + at);
  }
  minima.resize(count_);
  return minima;
}

double estimate(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b) {
  std::size_t equal = 0;
  for (std::size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i] ? 1 : 0;
  return static_cast<double>(equal) / static_cast<double>(a.size());
}

std::vector<std::uint64_t> band_hashes(const std::vector<std::uint32_t>& signature, std::size_t bands) {
  const std::size_t rows = signature.size() / bands;
  std::vector<std::uint64_t> hashes(bands);
  for (std::size_t band = 0; band < bands; ++band) {
    hashes[band] = XXH3_64bits_withSeed(signature.data() + band * rows, rows * sizeof(std::uint32_t), band);
  }
  return hashes;
}

double candidate_probability(double similarity, std::size_t bands, std::size_t rows) {
  return 1 - std::pow(1 - std::pow(similarity, static_cast<double>(rows)), static_cast<double>(bands));
}

}  // namespace temper::filters
