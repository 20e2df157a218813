// See folded_text.h.
#include "folded_text.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <array>
#include <limits>

#include "temper/error.h"

namespace temper::pii_filter {
namespace {

struct AsciiPoint {
  char folded = 0;
  std::uint8_t kind = 0;
};

constexpr std::array<AsciiPoint, 128> ascii_table() {
  std::array<AsciiPoint, 128> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const char c = static_cast<char>(i);
    const bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
    table[i].folded = upper ? static_cast<char>(c - 'A' + 'a') : c == '`' ? '\'' : c;
    if (upper || lower || digit || c == '_') table[i].kind = kWordPart;
    if (upper) table[i].kind |= kUpper;
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      table[i].folded = c == '\n' ? '\n' : ' ';
      table[i].kind = kBlank;
    }
  }
  return table;
}
constexpr std::array<AsciiPoint, 128> kAscii = ascii_table();

constexpr std::size_t kLongestTag = 24;

bool is_invisible(UChar32 c) { return c == 0xAD || (c >= 0x200B && c <= 0x200F) || c == 0x2060 || c == 0xFEFF; }

char32_t plain(UChar32 c) {
  if (c == 0x2018 || c == 0x2019 || c == 0x02BC || c == 0xFF07) return U'\'';
  if (c >= 0x2010 && c <= 0x2015) return U'-';
  if (u_isUWhiteSpace(c)) return U' ';
  return static_cast<char32_t>(u_foldCase(c, U_FOLD_CASE_DEFAULT));
}

std::uint8_t kind_of(UChar32 c) {
  if (c >= 0xAC00 && c <= 0xD7A3) return kWordPart | kHangul;
  if (u_isUWhiteSpace(c)) return kBlank;
  const std::uint32_t category = U_GET_GC_MASK(c);
  std::uint8_t kind = 0;
  if ((category & (U_GC_L_MASK | U_GC_N_MASK | U_GC_M_MASK)) != 0 && c != 0x02BC) kind |= kWordPart;
  if ((category & (U_GC_LU_MASK | U_GC_LT_MASK)) != 0) kind |= kUpper;
  return kind;
}

class Folder {
 public:
  explicit Folder(std::string_view text) : text_(text), nfc_(nfc()) {
    // Hardly ever are there more points than bytes; see add().
    out_.points.resize(text.size());
    out_.at.resize(text.size() + 1);
    out_.kinds.resize(text.size());
  }

  FoldedText fold() {
    for (std::size_t at = 0; at < text_.size();) {
      if (const std::size_t tag = text_[at] == '<' ? add_tag(at) : 0; tag > 0) {
        at += tag;
      } else if (byte(at) < 0x80 && plain_behind(at + 1)) {
        const AsciiPoint& point = kAscii[byte(at)];
        add(static_cast<char32_t>(point.folded), at, point.kind);
        ++at;
      } else {
        at = add_segment(at);
      }
    }
    out_.points.resize(size_);
    out_.kinds.resize(size_);
    out_.at.resize(size_ + 1);
    out_.at.back() = static_cast<std::uint32_t>(text_.size());
    return std::move(out_);
  }

 private:
  static const icu::Normalizer2* nfc() {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* instance = icu::Normalizer2::getNFCInstance(status);
    if (U_FAILURE(status)) throw PluginError(std::string("ICU has no NFC: ") + u_errorName(status));
    return instance;
  }

  unsigned char byte(std::size_t at) const { return static_cast<unsigned char>(text_[at]); }
  /// The character at `at` changes nothing in front of it: ASCII, a Hangul syllable or the like, or the end.
  bool plain_behind(std::size_t at) const {
    return at >= text_.size() || byte(at) < 0x80 || (byte(at) >= 0xEA && byte(at) <= 0xED);
  }

  void add(char32_t point, std::size_t at, std::uint8_t kind) {
    if (size_ == out_.kinds.size()) {
      out_.points.resize(2 * size_ + 1);
      out_.at.resize(2 * size_ + 2);
      out_.kinds.resize(2 * size_ + 1);
    }
    out_.points[size_] = point;
    out_.at[size_] = static_cast<std::uint32_t>(at);
    out_.kinds[size_] = kind;
    ++size_;
  }

  /// Bytes of a replacement that begins here, added as such; 0 if it is none.
  std::size_t add_tag(std::size_t at) {
    std::size_t end = at + 1;
    while (end < text_.size() && end - at < kLongestTag && ((text_[end] >= 'A' && text_[end] <= 'Z') || text_[end] == '_')) {
      ++end;
    }
    if (end == at + 1 || end >= text_.size() || text_[end] != '>') return 0;
    for (std::size_t i = at; i <= end; ++i) add(static_cast<char32_t>(text_[i]), i, kOfATag);
    return end + 1 - at;
  }

  UChar32 next(std::size_t& at) const {
    auto i = static_cast<std::int64_t>(at);
    UChar32 c = 0;
    U8_NEXT(text_.data(), i, static_cast<std::int64_t>(text_.size()), c);
    at = static_cast<std::size_t>(i);
    return c < 0 ? 0xFFFD : c;
  }

  /// One character with all that is put together with it. Returns where it ends.
  std::size_t add_segment(std::size_t begin) {
    std::size_t end = begin;
    const UChar32 first = next(end);
    if (plain_behind(end) || boundary_at(end)) {
      if (is_invisible(first)) return end;
      if (first < 0x80) {
        add(static_cast<char32_t>(kAscii[static_cast<std::size_t>(first)].folded), begin,
            kAscii[static_cast<std::size_t>(first)].kind);
        return end;
      }
      if ((first >= 0xAC00 && first <= 0xD7A3) || u_getIntPropertyValue(first, UCHAR_NFC_QUICK_CHECK) == UNORM_YES) {
        add(plain(first), begin, kind_of(first));
        return end;
      }
    }
    while (end < text_.size() && !boundary_at(end)) next(end);
    const auto source = icu::UnicodeString::fromUTF8({text_.data() + begin, static_cast<std::int32_t>(end - begin)});
    UErrorCode status = U_ZERO_ERROR;
    const icu::UnicodeString composed = nfc_->normalize(source, status);
    if (U_FAILURE(status)) throw DataError(std::string("ICU cannot normalise a text: ") + u_errorName(status));
    for (std::int32_t i = 0; i < composed.length(); i = composed.moveIndex32(i, 1)) {
      const UChar32 c = composed.char32At(i);
      if (!is_invisible(c)) add(plain(c), begin, kind_of(c));
    }
    return end;
  }
  bool boundary_at(std::size_t at) const {
    if (at >= text_.size()) return true;
    const UChar32 c = next(at);
    return nfc_->hasBoundaryBefore(c) != 0;
  }

  std::string_view text_;
  const icu::Normalizer2* nfc_;
  FoldedText out_;
  std::size_t size_ = 0;  ///< points so far
};

}  // namespace

std::size_t FoldedText::end_byte(std::size_t end) const {
  while (end > 0 && end < points.size() && at[end] == at[end - 1]) ++end;
  return at[end];
}

FoldedText fold(std::string_view text) {
  if (text.size() >= std::numeric_limits<std::uint32_t>::max()) {
    throw DataError("a text of " + std::to_string(text.size()) +
                    " bytes is too long for word lists; cut it into smaller parts");
  }
  return Folder(text).fold();
}

std::vector<Word> words_of(const FoldedText& text) {
  std::vector<Word> words;
  const std::size_t size = text.points.size();
  for (std::size_t at = 0; at < size;) {
    if (!text.is(at, kWordPart)) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < size && text.is(at, kWordPart)) ++at;
    words.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(at)});
  }
  return words;
}

}  // namespace temper::pii_filter
