// Counter-based random numbers and named seeds (see random.h for the promise and the source).
#include "temper/random.h"

#include <cmath>
#include <numbers>

namespace temper {
namespace {

std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;

}  // namespace

std::uint64_t derive_seed(std::uint64_t root, std::initializer_list<std::string_view> names) {
  std::uint64_t seed = mix(root + kGolden);
  for (const auto name : names) {
    // FNV-1a over the name and its length, so that {"ab","c"} and {"a","bc"} differ.
    std::uint64_t hash = 0xcbf29ce484222325ULL ^ name.size();
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    seed = mix(seed ^ mix(hash + kGolden));
  }
  return seed;
}

std::uint64_t derive_seed(std::uint64_t root, std::uint64_t index) {
  return mix(mix(root + kGolden) + (index + 1) * kGolden);
}

std::uint64_t Rng::next() { return mix(mix(seed_ + kGolden) + ++counter_ * kGolden); }

std::uint64_t Rng::below(std::uint64_t bound) {
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  std::uint64_t draw = next();
  while (draw >= limit) draw = next();
  return draw % bound;
}

double Rng::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

double Rng::normal() {
  const double u = 1.0 - uniform();
  const double v = uniform();
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

Permutation::Permutation(std::uint64_t size, std::uint64_t seed) : size_(size), seed_(seed), half_bits_(1) {
  while (half_bits_ < 32 && (std::uint64_t{1} << (2 * half_bits_)) < size) ++half_bits_;
}

std::uint64_t Permutation::operator()(std::uint64_t index) const {
  const std::uint64_t mask = half_bits_ == 32 ? 0xffffffffULL : (std::uint64_t{1} << half_bits_) - 1;
  do {
    std::uint64_t left = index >> half_bits_, right = index & mask;
    for (std::uint64_t round = 0; round < 4; ++round) {
      const std::uint64_t next = left ^ (mix(seed_ + kGolden * (round + 1) + mix(right + kGolden)) & mask);
      left = right;
      right = next;
    }
    index = (left << half_bits_) | right;
  } while (index >= size_);
  return index;
}

}  // namespace temper
