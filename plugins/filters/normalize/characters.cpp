// What goes, what stays (see characters.h). Joiners stay where they shape text: in emoji and in scripts that join letters.
#include "characters.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <algorithm>

#include "temper/find_byte.h"
#include "utf8.h"

namespace temper::filters {
namespace {

constexpr char32_t kZeroWidthSpace = 0x200B, kNonJoiner = 0x200C, kJoiner = 0x200D;

/// Whether a byte begins a character of interest.
constexpr auto is_suspicious = [](unsigned char c) {
  const auto flag = [](bool is) { return static_cast<unsigned char>(is); };
  const unsigned char control = flag(c < 0x20) & flag(c != '\t') & flag(c != '\n');
  const unsigned char lead = flag(c == 0xC2) | flag(c == 0xEF) | (flag(c >= 0xE1) & flag(c <= 0xE3));
  return static_cast<unsigned char>(control | lead | flag(c == 0x7F));
};

UScriptCode script_of(char32_t c) {
  UErrorCode error = U_ZERO_ERROR;
  return uscript_getScript(static_cast<UChar32>(c), &error);
}

/// Scripts whose letters do not change shape beside each other; a joiner between them is a stray.
bool is_plain_script(UScriptCode script) {
  switch (script) {
    case USCRIPT_COMMON:
    case USCRIPT_INHERITED:
    case USCRIPT_LATIN:
    case USCRIPT_GREEK:
    case USCRIPT_CYRILLIC:
    case USCRIPT_ARMENIAN:
    case USCRIPT_GEORGIAN:
    case USCRIPT_HANGUL:
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_BOPOMOFO:
    case USCRIPT_ETHIOPIC:
    case USCRIPT_CHEROKEE:
    case USCRIPT_UNKNOWN:
      return true;
    default:
      return false;
  }
}

bool is_part_of_emoji(char32_t c) {
  const auto code = static_cast<UChar32>(c);
  return c > 0xFF && (u_hasBinaryProperty(code, UCHAR_EXTENDED_PICTOGRAPHIC) || c == 0xFE0F ||
                      u_hasBinaryProperty(code, UCHAR_EMOJI_MODIFIER) || (c >= 0xE0020 && c <= 0xE007F));
}

/// Thai, Lao, Khmer, Burmese and their like are written without spaces; there a zero-width space parts words.
bool parts_words(char32_t c) {
  const auto breaks = u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_LINE_BREAK);
  return breaks == U_LB_COMPLEX_CONTEXT || script_of(c) == USCRIPT_TIBETAN;
}

/// Whether a zero-width character at [begin, end) does something where it stands.
bool has_meaning(std::string_view text, std::size_t begin, std::size_t end, char32_t c) {
  const char32_t before = begin > 0 ? char_before(text, begin).code : ' ';
  const char32_t after = end < text.size() ? char_at(text, end).code : ' ';
  const auto is_char = [](char32_t code) { return code != kBroken; };
  if (!is_char(before) || !is_char(after)) return true;  // nothing is known about it
  if (c == kZeroWidthSpace) return parts_words(before) && parts_words(after);
  if (c == kJoiner && is_part_of_emoji(before) && is_part_of_emoji(after)) return true;
  // A joiner belongs to the letter before it; at a word's start it shapes the letter behind it.
  const bool joining = !is_plain_script(script_of(before)) || !is_plain_script(script_of(after));
  const bool twice = before == kJoiner || before == kNonJoiner;
  return joining && !twice;
}

bool is_odd_space(char32_t c) {
  return c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_invisible(char32_t c) {
  // Deprecated format characters, interlinear annotation, noncharacters.
  return c == 0xAD || c == kZeroWidthSpace || c == kNonJoiner || c == kJoiner || c == 0x2060 || c == 0xFEFF ||
         (c >= 0x206A && c <= 0x206F) || (c >= 0xFFF9 && c <= 0xFFFB) || c == 0xFFFE || c == 0xFFFF ||
         (c >= 0xFDD0 && c <= 0xFDEF);
}

std::string_view straight_quote(char32_t c) {
  if (c >= 0x2018 && c <= 0x201B) return "'";
  if (c >= 0x201C && c <= 0x201F) return "\"";
  return {};
}

/// A terminal's colour or cursor command at `at`: its length, or 0. ECMA-48, section 5.4.
std::size_t escape_sequence(std::string_view text, std::size_t at) {
  constexpr std::size_t kLongest = 32;
  if (!text.substr(at).starts_with("\x1B[")) return 0;
  const std::size_t limit = std::min(text.size(), at + kLongest);
  for (std::size_t i = at + 2; i < limit; ++i) {
    const char c = text[i];
    if (c >= 0x40 && c <= 0x7E) return i + 1 - at;
    if (c < 0x20 || c > 0x3F) return 0;
  }
  return 0;
}

}  // namespace

bool is_plain(std::string_view text) {
  // Blocks without branches, which the compiler turns into vector instructions.
  constexpr std::size_t kBlock = 128;
  const auto* s = reinterpret_cast<const unsigned char*>(text.data());
  const auto odd = [](unsigned char a, unsigned char b) {
    const auto flag = [](bool is) { return static_cast<unsigned char>(is); };
    const unsigned char blank = flag(a == ' ') | flag(a == '\t');
    const unsigned char before = flag(b == ' ') | flag(b == '\n');
    const unsigned char strange = flag(a >= 0x7F) | (flag(a < 0x20) & flag(a != '\t') & flag(a != '\n'));
    return static_cast<unsigned char>(strange | (blank & before));
  };
  std::size_t at = 0;
  for (; at + kBlock < text.size(); at += kBlock) {
    unsigned char any = 0;
    for (std::size_t i = 0; i < kBlock; ++i) any |= odd(s[at + i], s[at + i + 1]);
    if (any != 0) return false;
  }
  for (; at < text.size(); ++at) {
    if (odd(s[at], at + 1 < text.size() ? s[at + 1] : static_cast<unsigned char>('\n')) != 0) return false;
  }
  return true;
}

Edits character_edits(std::string_view text, const CharacterRules& rules) {
  Edits edits;
  for (std::size_t at = find_byte(text, 0, is_suspicious); at < text.size(); at = find_byte(text, at, is_suspicious)) {
    const auto [c, size] = char_at(text, at);
    const std::size_t begin = at;
    at += size;
    if (c == '\r') {
      if (!rules.line_ends) continue;
      if (at < text.size() && text[at] == '\n') {
        remove_bytes(edits, begin, at, "line_end");
      } else {
        edits.push_back({begin, at, "line_end", "\n"});
      }
    } else if (c == 0x85 || c == 0x2028 || c == 0x2029) {
      if (rules.line_ends) edits.push_back({begin, at, "line_end", "\n"});
    } else if (c < 0x20 || c == 0x7F || (c >= 0x80 && c < 0xA0)) {
      if (!rules.control) continue;
      at += c == 0x1B ? std::max<std::size_t>(escape_sequence(text, begin), 1) - 1 : 0;
      remove_bytes(edits, begin, at, "control");
    } else if (is_invisible(c)) {
      const bool zero_width = c == kZeroWidthSpace || c == kNonJoiner || c == kJoiner;
      if (rules.control && (!zero_width || !has_meaning(text, begin, at, c))) remove_bytes(edits, begin, at, "control");
    } else if (is_odd_space(c)) {
      if (rules.spaces) edits.push_back({begin, at, "whitespace", " "});
    } else if (rules.quotes && !straight_quote(c).empty()) {
      edits.push_back({begin, at, "quote", std::string(straight_quote(c))});
    }
  }
  return edits;
}

}  // namespace temper::filters
