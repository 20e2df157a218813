// Where a place of an edited text stands in the text as it came, through any number of edits. The ledger gives all spans in
// characters of the original, so that they can be looked up in the user's own file. Used by document_work.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "temper/filter.h"

namespace temper::clean {

/// Characters are Unicode code points.
class OffsetMap {
 public:
  struct Range {
    std::uint64_t begin = 0, end = 0;
  };

  /// The range of the original that bytes [begin, end) of `text` come from. What stands in for something else stands for
  /// all of it. Ranges have to be asked in order (by begin) for the walk to be short; any order is right.
  Range original(std::string_view text, std::size_t begin, std::size_t end) const;
  /// After the edits of `spans` were made in `text`, which this map describes.
  void edit(std::string_view text, const std::vector<FilterSpan>& spans);

  std::string to_bytes() const;
  /// Throws DataError for bytes that are none.
  static OffsetMap from_bytes(std::string_view bytes);

 private:
  /// A part of the current text, up to the next piece's begin.
  struct Piece {
    std::uint64_t begin = 0;         ///< byte of the current text
    std::uint64_t from = 0, to = 0;  ///< characters of the original; `to` only where it is a replacement
    bool copied = true;
  };
  std::uint64_t map(std::string_view text, std::size_t at, bool is_end) const;
  std::vector<Piece> pieces_;  ///< empty: the text is the original
};

/// Code points of valid UTF-8.
std::uint64_t count_characters(std::string_view text);

}  // namespace temper::clean
