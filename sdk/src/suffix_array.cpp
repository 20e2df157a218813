// Sorting by libdivsufsort, searching and common prefixes (see suffix_array.h). Tokens are sorted as bytes: each becomes its
// rank among the text's different tokens, written big end first in as few bytes as hold it, so that the order of the bytes
// is the order of the tokens; of the sorted suffixes those that begin at a token are kept.
#include "temper/suffix_array.h"

#include <divsufsort.h>
#include <divsufsort64.h>

#include <algorithm>
#include <limits>
#include <string>
#include <type_traits>

namespace temper {
namespace {

constexpr std::uint64_t kNarrowLimit = std::numeric_limits<std::int32_t>::max();

void check(int status, std::uint64_t length) {
  if (status == 0) return;
  throw DataError("sorting the suffixes of " + std::to_string(length) + " bytes failed (libdivsufsort says " +
                  std::to_string(status) + "), most likely for want of memory; it needs " +
                  std::to_string(suffix_array_memory(length).building) + " bytes: give less text");
}

/// Sorts `bytes` and keeps the suffixes that begin at a multiple of `stride`, as multiples of it.
template <class Index, class Sorted, class Sort>
std::vector<Index> sorted(const std::vector<std::uint8_t>& owned, const std::uint8_t* bytes, std::uint64_t length,
                          std::uint64_t stride, Sort sort) {
  static_assert(sizeof(Index) == sizeof(Sorted) && std::is_signed_v<Sorted>);
  const std::uint8_t* text = owned.empty() ? bytes : owned.data();
  std::vector<Index> order(length);
  // The library's type is the signed twin of ours; the standard lets one be read as the other.
  check(sort(text, reinterpret_cast<Sorted*>(order.data()), static_cast<Sorted>(length)), length);
  if (stride == 1) return order;
  std::size_t kept = 0;
  for (const Index at : order) {
    if (at % stride == 0) order[kept++] = static_cast<Index>(at / stride);
  }
  order.resize(kept);
  order.shrink_to_fit();
  return order;
}

/// Ranks of the tokens, big end first, `width` bytes each.
std::vector<std::uint8_t> as_bytes(std::span<const std::int32_t> text, std::uint64_t& width) {
  std::vector<std::int32_t> different(text.begin(), text.end());
  std::sort(different.begin(), different.end());
  different.erase(std::unique(different.begin(), different.end()), different.end());
  width = 1;
  while (width < 4 && (different.size() - 1) >> (8 * width) != 0) ++width;
  std::vector<std::uint8_t> bytes;
  bytes.reserve(text.size() * width);
  for (const std::int32_t token : text) {
    const auto rank =
        static_cast<std::uint64_t>(std::lower_bound(different.begin(), different.end(), token) - different.begin());
    for (std::uint64_t k = width; k-- > 0;) bytes.push_back(static_cast<std::uint8_t>(rank >> (8 * k)));
  }
  return bytes;
}

/// <0, 0, >0 as the suffix is before, begins with, or is after `query`; the first `known` symbols are known to be equal.
/// `equal` becomes how many are.
template <class Symbol>
int compare(std::span<const Symbol> suffix, std::span<const Symbol> query, std::uint64_t known, std::uint64_t& equal) {
  const std::uint64_t shared = std::min(suffix.size(), query.size());
  equal = known;
  while (equal < shared && suffix[equal] == query[equal]) ++equal;
  if (equal == query.size()) return 0;
  if (equal == suffix.size()) return -1;
  return suffix[equal] < query[equal] ? -1 : 1;
}

}  // namespace

SuffixArrayMemory suffix_array_memory(std::uint64_t length, int bytes_per_symbol) {
  const auto width = static_cast<std::uint64_t>(bytes_per_symbol);
  const std::uint64_t sorted_bytes = length * width;
  const std::uint64_t index = sorted_bytes <= kNarrowLimit ? 4 : 8;
  SuffixArrayMemory memory;
  memory.kept = length * index;
  // The library's own tables are two of 256 and 65,536 counts. Bytes of tokens exist while they are sorted, and before that
  // a list of all tokens; afterwards the kept part is copied out of the sorted one.
  const std::uint64_t tables = (256 + 65536) * index;
  memory.building = sorted_bytes * index + tables;
  if (width > 1) memory.building += std::max(sorted_bytes + 4 * length, memory.kept);
  memory.lcp = length * (index + 4);
  return memory;
}

template <class Symbol>
SuffixArray<Symbol>::SuffixArray(Text text) : text_(text) {
  if (text.empty()) return;
  std::vector<std::uint8_t> owned;
  const std::uint8_t* bytes = nullptr;
  std::uint64_t width = 1;
  if constexpr (std::is_same_v<Symbol, std::uint8_t>) {
    bytes = text.data();
  } else {
    owned = as_bytes(text, width);
  }
  const std::uint64_t length = text.size() * width;
  if (length <= kNarrowLimit) {
    narrow_ = sorted<std::uint32_t, saidx_t>(owned, bytes, length, width, divsufsort);
  } else {
    wide_ = sorted<std::uint64_t, saidx64_t>(owned, bytes, length, width, divsufsort64);
  }
}

template <class Symbol>
auto SuffixArray<Symbol>::find(Text query) const -> Ranks {
  // Two binary searches; `low` and `high` are what the borders of the searched part have in common with the query, and all
  // between them has at least the smaller of the two in common (Manber and Myers).
  const auto border = [&](bool after_equal) {
    std::uint64_t first = 0, last = size(), low = 0, high = 0, equal = 0;
    while (first < last) {
      const std::uint64_t middle = first + (last - first) / 2;
      const int order = compare<Symbol>(text_.subspan((*this)[middle]), query, std::min(low, high), equal);
      if (order < 0 || (after_equal && order == 0)) {
        first = middle + 1;
        low = equal;
      } else {
        last = middle;
        high = equal;
      }
    }
    return first;
  };
  const std::uint64_t first = border(false);
  return {first, border(true)};
}

template <class Symbol>
auto SuffixArray<Symbol>::longest_prefix(Text query) const -> Match {
  // The suffix that shares most with the query is a neighbour of the place where the query would stand.
  std::uint64_t first = 0, last = size(), low = 0, high = 0, equal = 0;
  Match best;
  while (first < last) {
    const std::uint64_t middle = first + (last - first) / 2;
    const std::uint64_t at = (*this)[middle];
    const int order = compare<Symbol>(text_.subspan(at), query, std::min(low, high), equal);
    if (equal > best.length) best = {0, at, equal};
    if (order < 0) {
      first = middle + 1;
      low = equal;
    } else {
      last = middle;
      high = equal;
    }
  }
  if (best.length > 0) best.in_text = (*this)[find(query.subspan(0, best.length)).first];
  return best;
}

template <class Symbol>
auto SuffixArray<Symbol>::longest_match(Text query) const -> Match {
  Match best;
  for (std::uint64_t at = 0; at + best.length < query.size(); ++at) {
    // Most places are ruled out by one question: does anything longer than the best begin here?
    if (best.length > 0 && count(query.subspan(at, best.length + 1)) == 0) continue;
    const Match match = longest_prefix(query.subspan(at));
    if (match.length > best.length) best = {at, match.in_text, match.length};
  }
  return best;
}

template <class Symbol>
std::vector<std::uint32_t> SuffixArray<Symbol>::lcp(std::optional<Symbol> separator) const {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  const auto fill = [&]<class Index>(const std::vector<Index>& order) {
    std::vector<Index> rank(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) rank[order[i]] = static_cast<Index>(i);
    std::vector<std::uint32_t> shared(order.size(), 0);
    std::uint64_t equal = 0;
    for (std::uint64_t at = 0; at < order.size(); ++at) {
      if (rank[at] == 0) {
        equal = 0;
        continue;
      }
      const std::uint64_t other = order[rank[at] - 1];
      const std::uint64_t room = size() - std::max(at, other);
      while (equal < room && text_[at + equal] == text_[other + equal] && text_[at + equal] != separator) ++equal;
      shared[rank[at]] = static_cast<std::uint32_t>(std::min(equal, kMost));
      if (equal > 0) --equal;
    }
    return shared;
  };
  return wide_.empty() ? fill(narrow_) : fill(wide_);
}

template class SuffixArray<std::uint8_t>;
template class SuffixArray<std::int32_t>;

}  // namespace temper
