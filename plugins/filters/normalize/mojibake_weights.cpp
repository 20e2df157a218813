// The weights (see mojibake_weights.h).
#include "mojibake_weights.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <string_view>

namespace temper::filters {
namespace {

// The florin sign is a letter by its class only.
bool is_letter(char32_t c) { return c != 0x192 && u_isalpha(static_cast<UChar32>(c)) != 0; }
bool is_upper(char32_t c) { return u_isupper(static_cast<UChar32>(c)) != 0; }
bool is_lower(char32_t c) { return u_islower(static_cast<UChar32>(c)) != 0; }
bool is_c1(char32_t c) { return c >= 0x80 && c < 0xA0; }
bool is_ascii_letter(char32_t c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

bool contains(std::u32string_view set, char32_t c) { return set.find(c) != std::u32string_view::npos; }

bool is_greek(char32_t c) { return c >= 0x370 && c < 0x400; }

/// The most frequent letters of the languages of Europe.
constexpr std::u32string_view kEveryday =
    U"\u00E9\u00E1\u00ED\u00F3\u00FA\u00FC\u00F6\u00E4\u00F1\u00E7\u00E3\u00F5\u00E0\u00E8\u00EA\u00E2\u00F4\u00E5\u00F8"
    U"\u00E6"
    U"\u010D\u0161\u017E\u0159\u011B\u0105\u0119\u0142\u015B\u017C\u0151\u0171\u0103\u0131\u015F\u011F\u0101\u0113\u012B";

/// Marks that right text has behind a letter or a word.
bool is_soft(char32_t c) {
  return contains(
      U"\u00A0\u2026\u2018\u2019\u201C\u201D\u201E\u2013\u2014\u2122\u00AE\u00A9\u00AB\u00BB\u00B4\u00B0\u00A1"
      U"\u00BF\u2022\u00B7\u00B9\u00B2\u00B3\u00AA\u00BA\u2039\u203A\u2020\u2021",
      c);
}

/// Marks that hardly ever stand right behind a letter.
bool is_hard(char32_t c) { return !is_letter(c) && !is_soft(c) && c > 0x7F && !is_c1(c) && c != 0xFFFD; }

/// Beginnings that make most Latin mojibake, and are rare in right text.
bool is_telling(const Sequence& s) {
  const char32_t c = s.characters[0];
  const bool in_word = s.in_company || is_letter(s.before);
  if (s.bytes[0] == 0xC3) return c == 0xC3 || (in_word && contains(U"\u221A\u251C", c));
  if (s.bytes[0] == 0xC2) return c == 0xC2 || (in_word && contains(U"\u00AC\u252C", c));
  return false;
}

/// "\u00CE\u00B1" and its like: small Greek letters of formulas.
bool is_greek_small(const Sequence& s) {
  const char32_t code = (s.bytes[0] & 0x1FU) << 6 | (s.bytes[1] & 0x3FU);
  return s.size == 2 && (s.characters[0] == 0xCE || s.characters[0] == 0xCF) && code >= 0x3B1 && code <= 0x3C9;
}

/// General punctuation: "â€" and its like in every page.
bool is_punctuation(const Sequence& s) { return s.size == 3 && s.bytes[0] == 0xE2 && s.bytes[1] == 0x80; }

}  // namespace

double oddness(const Sequence& s) {
  double weight = s.size == 2 ? 0 : s.size == 3 ? 1.5 : 4;
  const char32_t lead = s.characters[0], second = s.characters[1], final = s.characters[s.size - 1];
  if (is_telling(s)) weight += 1.5;
  if (is_greek_small(s)) weight += 1.5;
  if (is_punctuation(s)) weight += 1.5;
  if (s.in_company) weight += 0.5;
  bool control = is_c1(lead);
  for (std::size_t i = 1; i < s.size; ++i) {
    const char32_t c = s.characters[i], previous = s.characters[i - 1];
    control = control || is_c1(c);
    if (is_hard(c)) weight += is_letter(previous) ? 1.5 : 0.5;
    if (c == 0xFFFD) weight += 1.5;
    if (is_letter(c) && !is_letter(previous) && !is_greek(c)) weight += 1;  // the square root of pi is none
    if (is_upper(c) && is_lower(previous)) weight += 1;
    if (is_lower(c) && is_upper(previous)) weight += 0.5;
  }
  if (control) weight += 3;
  const bool jump = is_lower(s.before) && is_upper(lead);
  if (jump) weight += 1.5;
  if (is_ascii_letter(s.before) && !is_letter(lead)) weight += 1;
  // Marks inside a word. An apostrophe may be there, and a space of any width ends a word.
  const bool ends_word = final == 0x2019 || final == 0x2018 || final == 0xA0;
  if (is_soft(final) && !ends_word && is_letter(s.after)) weight += 1.5;
  const bool ordinary = s.size == 2 && is_soft(second) && !jump && !s.in_company && lead != 0xC3;
  if (ordinary && !is_letter(s.after)) weight -= 1;
  if (s.size == 2 && second == 0x2019 && !is_letter(s.before)) weight -= 1.5;
  // Line art.
  const auto is_box = [](char32_t c) { return c >= 0x2500 && c < 0x25A0; };
  if (is_box(lead) && is_box(second)) weight -= 1.5;
  // An ellipsis before a closing quote.
  if (s.size == 3 && second == 0x2026 && is_soft(final)) weight -= 2;
  return weight;
}

int kind_of(char32_t c) {
  if (!is_letter(c)) return 0;
  UErrorCode error = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(static_cast<UChar32>(c), &error);
  return script == USCRIPT_LATIN || script == USCRIPT_COMMON ? 0 : static_cast<int>(script);
}

double likeliness(char32_t c, std::size_t company) {
  if (c < 0xA0) return -2.5;
  if (contains(U"\u00A6\u00A8\u00AC\u00AF\u00B6\u00B8\u00AD\u00A4", c)) return -1.5;
  if (c < 0xC0) return 0.5;
  if (contains(kEveryday, c)) return c < 0x100 ? 1.75 : 1.25;
  if (c < 0x100) return c == 0xD7 || c == 0xF7 ? 0.5 : 1.5;
  if (contains(U"\u0138\u013F\u0140\u0149\u017F", c)) return -1.5;
  if (c < 0x180 || (c >= 0x218 && c <= 0x21B) || (c >= 0x1EA0 && c <= 0x1EF9)) return 1;
  if (c == 0x1A0 || c == 0x1A1 || c == 0x1AF || c == 0x1B0) return 0.5;
  if (c < 0x250) return -1.5;
  if (c >= 0x2C6 && c <= 0x2DD) return -1.5;
  if (c < 0x300 || (c >= 0x1D00 && c < 0x1E00)) return -4;  // phonetic
  if (c >= 0x1680 && c < 0x1700) return -4;                 // Ogham, runes
  if (c < 0x370) return company > 2 ? 0 : -1.5;             // accents by themselves
  if ((c >= 0x460 && c < 0x490) || (c >= 0x500 && c < 0x530)) return -4;
  if (c >= 0x2010 && c <= 0x203A) return 2;
  if (c == 0xFFFD) return 0.5;
  if (c == 0xFB01 || c == 0xFB02) return 1;
  if (c >= 0x1F000) return 1.5;
  if (kind_of(c) == 0) return c >= 0x2000 ? 1 : -1;
  if (c >= 0x3400 && c < 0x4E00) return -2;
  if (c >= 0x1100 && !(c >= 0x1E00 && c < 0x2000)) return company > 1 ? 1 : -1;  // three bytes say much already
  if (company > 1) return company > 3 ? 1 : 0.5;
  return c >= 0x391 && c <= 0x3C9 ? -0.5 : -3;  // a Greek letter may be a formula's
}

bool is_possible(char32_t c) {
  constexpr auto kNever = U_GC_CN_MASK | U_GC_CO_MASK | U_GC_CS_MASK;
  return c <= 0x10FFFF && (U_GET_GC_MASK(static_cast<UChar32>(c)) & kNever) == 0;
}

bool is_neutral(char32_t c) {
  return (c >= 0x2010 && c <= 0x203A) || c == 0xA0 || c == 0xAB || c == 0xBB || c == 0xBF || c == 0xA1 || is_c1(c) ||
         c == 0xFFFD || c < 0x80;
}

}  // namespace temper::filters
