// Pieces of copied and replaced text (see offsets.h).
#include "host/clean/offsets.h"

#include <algorithm>
#include <cstring>

namespace temper::clean {

std::uint64_t count_characters(std::string_view text) {
  return static_cast<std::uint64_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::uint64_t OffsetMap::Walk::characters_before(std::size_t piece, std::size_t at) {
  const auto& pieces = map_.pieces_;
  if (piece != piece_ || at < at_) {
    piece_ = piece;
    at_ = pieces.empty() ? 0 : pieces[piece].begin;
    characters_ = pieces.empty() ? 0 : pieces[piece].from;
  }
  characters_ += count_characters(text_.substr(at_, at - at_));
  at_ = at;
  return characters_;
}

std::uint64_t OffsetMap::Walk::place(std::size_t at, bool is_end) {
  const auto& pieces = map_.pieces_;
  if (pieces.empty()) return characters_before(0, at);
  // The last piece that begins at or before `at`; an end belongs to the piece that it closes.
  auto next = std::upper_bound(pieces.begin(), pieces.end(), at,
                               [](std::size_t place, const Piece& piece) { return place < piece.begin; });
  if (is_end) {
    next = std::lower_bound(pieces.begin(), pieces.end(), at,
                            [](const Piece& piece, std::size_t place) { return piece.begin < place; });
  }
  if (next == pieces.begin()) return pieces.front().from;
  const Piece& piece = *(next - 1);
  if (!piece.copied) return is_end ? piece.to : piece.from;
  return characters_before(static_cast<std::size_t>(next - 1 - pieces.begin()), at);
}

OffsetMap::Range OffsetMap::Walk::original(std::size_t begin, std::size_t end) {
  Range range;
  range.begin = place(begin, false);
  range.end = end > begin ? std::max(range.begin, place(end, true)) : range.begin;
  return range;
}

void OffsetMap::edit(std::string_view text, const std::vector<FilterSpan>& spans) {
  const bool any =
      std::any_of(spans.begin(), spans.end(), [](const FilterSpan& span) { return span.replacement.has_value(); });
  if (!any) return;
  if (pieces_.empty()) pieces_.push_back({});
  std::vector<Piece> edited;
  std::size_t old = 0;        // the piece that holds `done`
  std::uint64_t done = 0;     // byte of the text before
  std::uint64_t written = 0;  // byte of the text after
  Walk walk(*this, text);
  const auto copy_to = [&](std::uint64_t end) {
    while (done < end) {
      while (old + 1 < pieces_.size() && pieces_[old + 1].begin <= done) ++old;
      const Piece& piece = pieces_[old];
      const std::uint64_t stop =
          std::min<std::uint64_t>(end, old + 1 < pieces_.size() ? pieces_[old + 1].begin : text.size());
      Piece part = piece;
      part.begin = written;
      if (piece.copied) part.from = walk.characters_before(old, done);
      edited.push_back(part);
      written += stop - done;
      done = stop;
    }
  };
  for (const auto& span : spans) {
    if (!span.replacement) continue;
    copy_to(span.begin);
    const Range range = walk.original(span.begin, span.end);
    if (!span.replacement->empty()) edited.push_back({written, range.begin, range.end, false});
    written += span.replacement->size();
    done = span.end;
  }
  copy_to(text.size());
  if (edited.empty()) edited.push_back({});
  pieces_ = std::move(edited);
}

std::string OffsetMap::to_bytes() const {
  std::string bytes;
  for (const auto& piece : pieces_) {
    const std::uint64_t words[] = {piece.begin, piece.from, piece.to << 1 | (piece.copied ? 1U : 0U)};
    bytes.append(reinterpret_cast<const char*>(words), sizeof words);
  }
  return bytes;
}

OffsetMap OffsetMap::from_bytes(std::string_view bytes) {
  constexpr std::size_t kPieceBytes = 3 * sizeof(std::uint64_t);
  if (bytes.size() % kPieceBytes != 0) throw DataError("a table of offsets is cut off");
  OffsetMap map;
  for (std::size_t at = 0; at < bytes.size(); at += kPieceBytes) {
    std::uint64_t words[3];
    std::memcpy(words, bytes.data() + at, sizeof words);
    map.pieces_.push_back({words[0], words[1], words[2] >> 1, (words[2] & 1) != 0});
  }
  return map;
}

}  // namespace temper::clean
