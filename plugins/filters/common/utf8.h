// Characters of UTF-8 text by byte offsets, for filters that look at single characters. A byte that starts no character is a
// "character" of one byte with the code kBroken, so that nothing here ever leaves the text or loses its place.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace temper::filters {

struct Char {
  char32_t code = 0;
  std::size_t size = 0;  ///< in bytes
};
constexpr char32_t kBroken = 0xFFFFFFFF;

/// The character that begins at byte `at`, which has to be inside the text.
inline Char char_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return static_cast<char32_t>(i < text.size() ? static_cast<unsigned char>(text[i]) : 0);
  };
  const auto more = [](char32_t c) { return (c & 0xC0) == 0x80; };
  const char32_t a = byte(at);
  if (a < 0x80) return {a, 1};
  const char32_t b = byte(at + 1);
  if (a < 0xC2 || a > 0xF4 || !more(b)) return {kBroken, 1};
  if (a < 0xE0) return {(a & 0x1F) << 6 | (b & 0x3F), 2};
  const char32_t c = byte(at + 2);
  if (!more(c)) return {kBroken, 1};
  if (a < 0xF0) {
    const char32_t code = (a & 0x0F) << 12 | (b & 0x3F) << 6 | (c & 0x3F);
    if (code < 0x800 || (code >= 0xD800 && code <= 0xDFFF)) return {kBroken, 1};
    return {code, 3};
  }
  const char32_t d = byte(at + 3);
  const char32_t code = (a & 0x07) << 18 | (b & 0x3F) << 12 | (c & 0x3F) << 6 | (d & 0x3F);
  if (!more(d) || code < 0x10000 || code > 0x10FFFF) return {kBroken, 1};
  return {code, 4};
}

/// The character that ends right before byte `at`, which has to be above 0.
inline Char char_before(std::string_view text, std::size_t at) {
  std::size_t begin = at - 1;
  while (begin > 0 && at - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  const Char found = char_at(text, begin);
  return begin + found.size == at ? found : Char{kBroken, 1};
}

void append_utf8(std::string& text, char32_t code);
std::size_t count_chars(std::string_view text);
bool is_ascii(std::string_view text);
/// The first byte at or after `at` that is not ASCII, or the text's end.
std::size_t skip_ascii(std::string_view text, std::size_t at);

}  // namespace temper::filters
