// Where a place of an edited text stands in the text as it came, through any number of edits. The ledger gives all spans in
// characters of the original, so that they can be looked up in the user's own file. Used by work.h.
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

  /// From place to place through the text that the map describes, counting each character once where places are asked for
  /// in order; any order is right. Map and text have to outlive it and stay as they are.
  class Walk {
   public:
    Walk(const OffsetMap& map, std::string_view text) : map_(map), text_(text) {}
    /// The range of the original that bytes [begin, end) of the text come from. What stands in for something else stands
    /// for all of it.
    Range original(std::size_t begin, std::size_t end);

   private:
    friend class OffsetMap;
    static constexpr std::size_t kNone = ~std::size_t{0};
    std::uint64_t place(std::size_t at, bool is_end);
    /// Characters of the original before byte `at` of a piece that is copied.
    std::uint64_t characters_before(std::size_t piece, std::size_t at);

    const OffsetMap& map_;
    std::string_view text_;
    std::size_t piece_ = kNone, at_ = 0;  ///< the latest place that was counted, and its piece
    std::uint64_t characters_ = 0;        ///< before it
  };

  /// One range without a walk.
  Range original(std::string_view text, std::size_t begin, std::size_t end) const {
    return Walk(*this, text).original(begin, end);
  }
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
  std::vector<Piece> pieces_;  ///< empty: the text is the original
};

/// Code points of valid UTF-8.
std::uint64_t count_characters(std::string_view text);

}  // namespace temper::clean
