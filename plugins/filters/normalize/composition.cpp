// Stretches between characters that never change (see composition.h).
#include "composition.h"

#include <unicode/bytestream.h>
#include <unicode/edits.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>

#include <algorithm>

#include "temper/error.h"
#include "utf8.h"

namespace temper::filters {
namespace {

constexpr char32_t kPlane = 0x10000;
/// Marks in a row. Sorting them takes quadratic time, and no writing system comes near; a longer run is left as it is.
constexpr std::size_t kLongestMarks = 128;
/// Bytes that may lie between two places of one stretch.
constexpr std::size_t kNear = 32;
constexpr std::size_t kLongestStretch = std::size_t{1} << 20;

const icu::Normalizer2& nfc() {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = icu::Normalizer2::getNFCInstance(error);
  if (U_FAILURE(error)) throw DataError("ICU has no data for Unicode normalization; install its data package");
  return *normalizer;
}

bool may_change_by_icu(UChar32 c) {
  const bool stays = u_getIntPropertyValue(c, UCHAR_NFC_QUICK_CHECK) == UNORM_YES && u_getCombiningClass(c) == 0;
  return !stays;
}

/// A stretch of text that is not looked at any further, or is put into the form.
void compose_stretch(std::string_view text, std::size_t begin, std::size_t end, Edits& edits) {
  const icu::StringPiece part(text.data() + begin, static_cast<std::int32_t>(end - begin));
  std::string result;
  icu::StringByteSink<std::string> sink(&result);
  icu::Edits changes;
  UErrorCode error = U_ZERO_ERROR;
  nfc().normalizeUTF8(0, part, sink, &changes, error);
  if (U_FAILURE(error)) throw DataError(std::string("a text cannot be normalised: ") + u_errorName(error));
  auto change = changes.getFineChangesIterator();
  while (change.next(error)) {
    const auto from = begin + static_cast<std::size_t>(change.sourceIndex());
    edits.push_back(
        {from, from + static_cast<std::size_t>(change.oldLength()), "nfc",
         result.substr(static_cast<std::size_t>(change.destinationIndex()), static_cast<std::size_t>(change.newLength()))});
  }
}

}  // namespace

Composition::Composition() : table_(kPlane / 64) {
  nfc();
  for (char32_t c = 0x80; c < kPlane; ++c) {
    if (!may_change_by_icu(static_cast<UChar32>(c))) continue;
    table_[c / 64] |= std::uint64_t{1} << (c % 64);
    std::string bytes;
    append_utf8(bytes, c);
    leads_[static_cast<unsigned char>(bytes[0])] = true;
  }
  for (std::size_t lead = 0xF0; lead < 0xF5; ++lead) leads_[lead] = true;
}

bool Composition::may_change(char32_t c) const {
  if (c == kBroken) return false;
  return c < kPlane ? (table_[c / 64] >> (c % 64) & 1) != 0 : may_change_by_icu(static_cast<UChar32>(c));
}

Edits Composition::edits(std::string_view text) const {
  Edits edits;
  const auto* s = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t done = 0;  // everything before it is settled
  for (std::size_t at = 0; at < text.size();) {
    if (!leads_[s[at]]) {
      ++at;
      continue;
    }
    const Char found = char_at(text, at);
    if (!may_change(found.code)) {
      at += found.size;
      continue;
    }
    // Back to the character that this one may join, and on until nothing is to be seen for a while.
    std::size_t begin = at;
    while (begin > done) {
      const Char before = char_before(text, begin);
      if (before.code == kBroken) break;
      begin -= before.size;
      if (!may_change(before.code)) break;
    }
    std::size_t end = at, last = at, marks = 0, longest = 0;
    const auto count_mark = [&](char32_t c, bool counts) {
      marks = counts && u_getCombiningClass(static_cast<UChar32>(c)) != 0 ? marks + 1 : 0;
      longest = std::max(longest, marks);
    };
    while (end < text.size() && end - last <= kNear && end - begin < kLongestStretch) {
      const Char next = char_at(text, end);
      if (next.code == kBroken) break;
      const bool counts = next.code >= 0x80 && may_change(next.code);
      if (!counts && longest > kLongestMarks) break;
      count_mark(next.code, counts);
      end += next.size;
      if (counts) last = end;
    }
    // A stretch ends before a character that stays; a cut behind one that may change could part it from the next.
    while (end < text.size()) {
      const Char next = char_at(text, end);
      if (next.code == kBroken || !may_change(next.code)) break;
      count_mark(next.code, true);
      end += next.size;
    }
    if (longest <= kLongestMarks) compose_stretch(text, begin, end, edits);
    at = done = end;
  }
  return edits;
}

}  // namespace temper::filters
