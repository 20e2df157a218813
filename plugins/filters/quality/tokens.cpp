// Cutting and counting for the quality rules (see tokens.h).
#include "tokens.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cstdint>

namespace temper::quality {
namespace {

enum class Role { kBlank, kLetter, kDigit, kApostrophe, kSymbol };

Role role_of(UChar32 c) {
  if (c < 0x80) {
    if (c <= 0x20 || c == 0x7F) return Role::kBlank;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return Role::kLetter;
    if (c >= '0' && c <= '9') return Role::kDigit;
    return c == '\'' ? Role::kApostrophe : Role::kSymbol;
  }
  if (c == 0x2019) return Role::kApostrophe;
  const auto mask = U_GET_GC_MASK(c);
  if ((mask & (U_GC_L_MASK | U_GC_M_MASK)) != 0) return Role::kLetter;
  if ((mask & U_GC_N_MASK) != 0) return Role::kDigit;
  return u_isUWhiteSpace(c) || u_iscntrl(c) ? Role::kBlank : Role::kSymbol;
}

UChar32 next_character(std::string_view text, std::size_t& at) {
  const auto* s = reinterpret_cast<const std::uint8_t*>(text.data());
  UChar32 c = s[at];
  if (c < 0x80) {
    ++at;
    return c;
  }
  U8_NEXT(s, at, text.size(), c);
  return c;
}

}  // namespace

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  tokens.reserve(text.size() / 5 + 1);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const UChar32 first = next_character(text, at);
    const Role role = role_of(first);
    if (role == Role::kBlank) continue;
    Token token;
    token.characters = 1;
    token.is_word = role == Role::kLetter || role == Role::kDigit;
    token.has_letter = role == Role::kLetter;
    while (at < text.size()) {
      std::size_t next = at;
      const UChar32 c = next_character(text, next);
      const Role more = role_of(c);
      if (token.is_word) {
        if (more == Role::kApostrophe) {
          // Inside a word only.
          std::size_t behind = next;
          if (next >= text.size() || role_of(next_character(text, behind)) != Role::kLetter) break;
        } else if (more != Role::kLetter && more != Role::kDigit) {
          break;
        }
        token.has_letter = token.has_letter || more == Role::kLetter;
      } else if (c != first) {
        break;
      }
      ++token.characters;
      at = next;
    }
    token.text = text.substr(begin, at - begin);
    tokens.push_back(token);
  }
  return tokens;
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
  std::size_t latin = 0, other = 0;
  for (std::size_t at = 0; at < text.size();) {
    const UChar32 c = next_character(text, at);
    if (c < 0x80) {
      latin += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? 1 : 0;
    } else if (c >= 0 && (U_GET_GC_MASK(c) & U_GC_L_MASK) != 0) {
      (c < 0x250 || (c >= 0x1E00 && c < 0x1F00) ? latin : other) += 1;
    }
  }
  return latin >= other;
}

}  // namespace temper::quality
