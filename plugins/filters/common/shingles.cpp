// Rolling numbers and sorted sets (see shingles.h).
#include "shingles.h"

#include <algorithm>

namespace temper::filters {
namespace {

constexpr std::uint64_t kPrime = (std::uint64_t{1} << 61) - 1;
constexpr std::uint64_t kBase = 0x13C6EF372FE94F8BULL % kPrime;  // any number of that size will do

std::uint64_t reduced(std::uint64_t value) {
  value = (value & kPrime) + (value >> 61);
  return value >= kPrime ? value - kPrime : value;
}

/// Of numbers that are below the prime.
std::uint64_t product_mod61(std::uint64_t a, std::uint64_t x) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * x;
  return reduced((static_cast<std::uint64_t>(product) & kPrime) + static_cast<std::uint64_t>(product >> 61));
}

}  // namespace

std::uint64_t linear_mod61(std::uint64_t a, std::uint64_t x, std::uint64_t b) {
  return reduced(product_mod61(reduced(a), reduced(x)) + reduced(b));
}

std::vector<std::uint64_t> shingles(const std::vector<std::uint64_t>& units, std::size_t n) {
  std::vector<std::uint64_t> runs;
  if (units.empty()) return runs;
  const std::size_t width = std::min(n, units.size());
  std::uint64_t run = 0, highest = 1;  // the base to the power width - 1
  for (std::size_t i = 0; i < width; ++i) {
    run = linear_mod61(run, kBase, units[i]);
    if (i + 1 < width) highest = linear_mod61(highest, kBase, 0);
  }
  // A short text must not meet a long one's run of zeros; its length is part of it.
  if (units.size() < n) return {linear_mod61(run, kBase, units.size())};
  runs.reserve(units.size() - width + 1);
  runs.push_back(run);
  for (std::size_t i = width; i < units.size(); ++i) {
    const std::uint64_t leaving = product_mod61(highest, reduced(units[i - width]));
    run = reduced(product_mod61(reduced(run + kPrime - leaving), kBase) + reduced(units[i]));
    runs.push_back(run);
  }
  return runs;
}

std::vector<std::uint64_t> shingle_list(std::string_view text, Unit unit, std::size_t n) {
  auto runs = shingles(units_of_raw(text, unit).hashes, n);
  if (!runs.empty()) return runs;
  const std::string plain = folded(text);
  return shingles(units_of(plain, Unit::kCharacter).hashes, plain.size() + 1);
}

std::vector<std::uint64_t> shingle_set(std::string_view text, Unit unit, std::size_t n) {
  auto runs = shingle_list(text, unit, n);
  std::sort(runs.begin(), runs.end());
  runs.erase(std::unique(runs.begin(), runs.end()), runs.end());
  return runs;
}

double jaccard(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  if (a.empty() && b.empty()) return 1;
  std::size_t i = 0, j = 0, common = 0;
  while (i < a.size() && j < b.size()) {
    const std::uint64_t x = a[i], y = b[j];
    common += x == y ? 1 : 0;
    i += x <= y ? 1 : 0;
    j += y <= x ? 1 : 0;
  }
  return static_cast<double>(common) / static_cast<double>(a.size() + b.size() - common);
}

}  // namespace temper::filters
