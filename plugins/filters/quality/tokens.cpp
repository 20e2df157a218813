// Cutting and counting for the quality rules (see tokens.h). Characters are looked up in a table; ICU is asked for what lies
// beyond it.
#include "tokens.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "utf8.h"

namespace temper::quality {
namespace {

enum Role : std::uint8_t { kBlank, kLetter, kMark, kDigit, kApostrophe, kSymbol };

constexpr UChar32 kPlane = 0x10000;

constexpr bool is_letter(Role role) { return role == kLetter || role == kMark; }
constexpr bool is_in_word(Role role) { return is_letter(role) || role == kDigit; }

constexpr Role ascii_role(unsigned char c) {
  if (c <= 0x20 || c == 0x7F) return kBlank;
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return kLetter;
  if (c >= '0' && c <= '9') return kDigit;
  return c == '\'' ? kApostrophe : kSymbol;
}

Role role_by_icu(UChar32 c) {
  if (c < 0x80) return c < 0 ? kBlank : ascii_role(static_cast<unsigned char>(c));
  if (c == 0x2019) return kApostrophe;
  const auto mask = U_GET_GC_MASK(c);
  if ((mask & U_GC_L_MASK) != 0) return kLetter;
  if ((mask & U_GC_M_MASK) != 0) return kMark;
  if ((mask & U_GC_N_MASK) != 0) return kDigit;
  return u_isUWhiteSpace(c) || u_iscntrl(c) ? kBlank : kSymbol;
}

constexpr std::array<Role, 128> kAscii = [] {
  std::array<Role, 128> roles{};
  for (std::size_t c = 0; c < roles.size(); ++c) roles[c] = ascii_role(static_cast<unsigned char>(c));
  return roles;
}();

const std::vector<Role>& plane_roles() {
  static const std::vector<Role> kRoles = [] {
    std::vector<Role> roles;
    for (UChar32 c = 0; c < kPlane; ++c) roles.push_back(role_by_icu(c));
    return roles;
  }();
  return kRoles;
}

struct Character {
  UChar32 code = 0;  ///< below 0 for bytes that are none
  Role role = kBlank;
  std::size_t end = 0;
};

Character character_at(std::string_view text, std::size_t at) {
  const auto* s = reinterpret_cast<const std::uint8_t*>(text.data());
  if (s[at] < 0x80) return {s[at], kAscii[s[at]], at + 1};
  Character found{0, kBlank, at};
  U8_NEXT(s, found.end, text.size(), found.code);
  if (found.code >= 0) {
    found.role = found.code < kPlane ? plane_roles()[static_cast<std::size_t>(found.code)] : role_by_icu(found.code);
  }
  return found;
}

}  // namespace

void append_tokens(std::string_view text, std::vector<Token>& tokens) {
  const auto ascii_in_word = [&](std::size_t at) {
    const auto c = static_cast<unsigned char>(text[at]);
    return c < 0x80 && is_in_word(kAscii[c]);
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const Character first = character_at(text, at);
    at = first.end;
    if (first.role == kBlank) continue;
    Token token{{}, 1, is_in_word(first.role), is_letter(first.role)};
    if (!token.is_word) {
      const std::string_view sign = text.substr(begin, at - begin);
      for (; text.substr(at, sign.size()) == sign; at += sign.size()) ++token.characters;
    }
    while (token.is_word && at < text.size()) {
      if (ascii_in_word(at)) {
        const std::size_t run = at;
        for (; at < text.size() && ascii_in_word(at); ++at) {
          token.has_letter = token.has_letter || kAscii[static_cast<unsigned char>(text[at])] == kLetter;
        }
        token.characters += at - run;
        continue;
      }
      const Character next = character_at(text, at);
      if (next.role == kApostrophe) {
        // Inside a word only.
        if (next.end >= text.size() || !is_letter(character_at(text, next.end).role)) break;
      } else if (!is_in_word(next.role)) {
        break;
      }
      token.has_letter = token.has_letter || is_letter(next.role);
      ++token.characters;
      at = next.end;
    }
    token.text = text.substr(begin, at - begin);
    tokens.push_back(token);
  }
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::string_view trimmed_view(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n\f\v");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n\f\v") - first + 1);
}

bool is_mostly_latin(std::string_view text) {
  if (filters::is_ascii(text)) return true;
  std::size_t latin = 0, other = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Character found = character_at(text, at);
    at = found.end;
    if (found.role != kLetter) continue;
    (found.code < 0x250 || (found.code >= 0x1E00 && found.code < 0x1F00) ? latin : other) += 1;
  }
  return latin >= other;
}

}  // namespace temper::quality
