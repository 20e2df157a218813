// A text made ready for comparing words: code points in NFC, without case, with plain apostrophes, hyphens and spaces and
// without invisible characters; of each its place in the original. ASCII and Hangul go a short way, the rest through ICU.
// Used by term_list.h for terms and texts alike.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace temper::pii_filter {

/// Of a folded code point; several may be set.
enum PointKind : std::uint8_t {
  kWordPart = 1,  ///< letter, mark, digit or underscore
  kBlank = 2,
  kUpper = 4,    ///< was a capital letter
  kHangul = 8,   ///< syllable
  kOfATag = 16,  ///< of a replacement such as "<EMAIL>", which is no text and is never found
};

struct FoldedText {
  std::u32string points;
  std::vector<std::uint32_t> at;    ///< first byte of each; one more for the end
  std::vector<std::uint8_t> kinds;  ///< PointKind

  bool is(std::size_t point, PointKind kind) const { return (kinds[point] & kind) != 0; }
  std::size_t begin_byte(std::size_t point) const { return at[point]; }
  /// Where the points up to `end` end; characters that were folded as one stay together.
  std::size_t end_byte(std::size_t end) const;
};

/// Throws DataError for a text of 4 GiB or more. Bytes that are no UTF-8 become U+FFFD.
FoldedText fold(std::string_view text);

struct Word {
  std::uint32_t begin = 0, end = 0;  ///< points
};
/// Maximal runs of word parts.
std::vector<Word> words_of(const FoldedText& text);

}  // namespace temper::pii_filter
