// Random numbers whose results are the same on every machine and compiler: a counter-based generator (SplitMix64 output
// function over key + counter) with its own distributions, and seeds derived by name from the run's one seed. Because
// each use has a name of its own, adding an evaluator changes no training number. State is two integers, so saving it
// is exact. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "temper/error.h"

namespace temper {

/// Mixes `names` into `root`; order matters. derive_seed(1, {"sft", "data"}) != derive_seed(1, {"data", "sft"}).
TEMPER_API std::uint64_t derive_seed(std::uint64_t root, std::initializer_list<std::string_view> names);
TEMPER_API std::uint64_t derive_seed(std::uint64_t root, std::uint64_t index);

class TEMPER_API Rng {
 public:
  explicit Rng(std::uint64_t seed, std::uint64_t counter = 0) : seed_(seed), counter_(counter) {}
  std::uint64_t next();
  /// Uniform over 0 .. bound-1 without modulo bias; bound >= 1.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1) with 53 bits.
  double uniform();
  /// Standard normal (Box-Muller, one value a call).
  double normal();
  std::uint64_t seed() const { return seed_; }
  std::uint64_t counter() const { return counter_; }

 private:
  std::uint64_t seed_, counter_;
};

/// A bijection of 0 .. size-1 that needs no memory (Feistel network with cycle walking): the i-th item of epoch order.
class TEMPER_API Permutation {
 public:
  Permutation(std::uint64_t size, std::uint64_t seed);
  std::uint64_t operator()(std::uint64_t index) const;
  std::uint64_t size() const { return size_; }

 private:
  std::uint64_t size_, seed_;
  unsigned half_bits_;
};

}  // namespace temper
