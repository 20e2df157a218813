// All suffixes of a text in order, so that "does this occur, how often, and what is the longest part of it that does" take
// time by the question's length and not the text's. Over bytes or over token ids. Used where text is compared with a whole
// corpus: memorisation, contamination, repeated substrings.
// Sources: Manber and Myers, "Suffix arrays" (1993); Kasai et al., "Linear-time longest-common-prefix computation" (2001);
// sorting by libdivsufsort (Mori), whose cost does not depend on how repetitive the text is, but for a logarithm.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "temper/error.h"

namespace temper {

/// What a suffix array needs beside the text itself, in bytes. Indices are 4 bytes up to 2^31 - 1 sorted bytes, else 8; a
/// token counts as its bytes: 1 to 4, by how many different tokens there are.
struct SuffixArrayMemory {
  std::uint64_t building = 0;  ///< at most, while the constructor runs
  std::uint64_t kept = 0;
  std::uint64_t lcp = 0;  ///< at most, while lcp() runs, with its result
};
TEMPER_API SuffixArrayMemory suffix_array_memory(std::uint64_t length, int bytes_per_symbol = 1);

/// `Symbol` is std::uint8_t or std::int32_t (not negative but for separators). Documents are joined with a separator that
/// no query holds: kByteSeparator, which UTF-8 never contains, or kTokenSeparator; then no match crosses two of them.
template <class Symbol>
class TEMPER_API SuffixArray {
 public:
  using Text = std::span<const Symbol>;
  /// A part of the text in sorted order: ranks first .. last - 1.
  struct Ranks {
    std::uint64_t first = 0, last = 0;
    std::uint64_t count() const { return last - first; }
  };
  struct Match {
    std::uint64_t in_query = 0, in_text = 0, length = 0;
  };

  /// Borrows `text`, which has to outlive this and stay as it is.
  explicit SuffixArray(Text text);

  std::uint64_t size() const { return text_.size(); }
  std::uint64_t operator[](std::uint64_t rank) const { return wide_.empty() ? narrow_[rank] : wide_[rank]; }
  /// The suffixes that begin with `query`; all of them for an empty one.
  Ranks find(Text query) const;
  std::uint64_t count(Text query) const { return find(query).count(); }
  /// The longest beginning of `query` that occurs; of several places the first in rank.
  Match longest_prefix(Text query) const;
  /// The longest part of `query` that occurs; of equal ones the first in the query.
  Match longest_match(Text query) const;
  /// How many symbols the suffix of each rank has in common with the one before it (0 for the first), counted up to a
  /// separator, if there is one.
  std::vector<std::uint32_t> lcp(std::optional<Symbol> separator = std::nullopt) const;

 private:
  Text text_;
  std::vector<std::uint32_t> narrow_;  ///< one of the two is filled
  std::vector<std::uint64_t> wide_;
};

extern template class SuffixArray<std::uint8_t>;
extern template class SuffixArray<std::int32_t>;

inline constexpr std::uint8_t kByteSeparator = 0xFF;
inline constexpr std::int32_t kTokenSeparator = -1;

inline std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace temper
