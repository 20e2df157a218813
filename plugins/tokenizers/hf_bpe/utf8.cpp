// UTF-8 and the byte alphabet (see utf8.h).
#include "utf8.h"

#include <unicode/uchar.h>

#include <algorithm>

namespace temper::hf_bpe_plugin {
namespace {

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

bool continues(std::string_view text, std::size_t at) { return at < text.size() && (byte_at(text, at) & 0xC0u) == 0x80u; }

/// 0xAD, 0x7F to 0xA0 and 0x00 to 0x20 are not printable, so they get the characters from U+0100 on, in order.
std::array<char32_t, 256> make_symbols() {
  std::array<char32_t, 256> symbols{};
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte > 0x20 && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD);
    symbols[byte] = printable ? byte : next++;
  }
  return symbols;
}

/// Byte of each symbol, -1 for characters that are none.
std::array<int, 0x144> make_bytes() {
  std::array<int, 0x144> bytes{};
  bytes.fill(-1);
  for (std::size_t byte = 0; byte < 256; ++byte) bytes[byte_symbols()[byte]] = static_cast<int>(byte);
  return bytes;
}

}  // namespace

std::size_t character_length(std::string_view text, std::size_t at) {
  const unsigned first = byte_at(text, at);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4 || !continues(text, at + 1)) return 0;
  if (first < 0xE0) return 2;
  const unsigned second = byte_at(text, at + 1);
  if (!continues(text, at + 2)) return 0;
  if (first < 0xF0) {
    const bool overlong = first == 0xE0 && second < 0xA0, surrogate = first == 0xED && second > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  const bool overlong = first == 0xF0 && second < 0x90, above = first == 0xF4 && second > 0x8F;
  return overlong || above || !continues(text, at + 3) ? 0 : 4;
}

char32_t code_point(std::string_view text, std::size_t at) {
  const unsigned first = byte_at(text, at);
  if (first < 0x80) return first;
  const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  char32_t code = first & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) code = code << 6 | (byte_at(text, at + i) & 0x3Fu);
  return code;
}

void append_utf8(char32_t code, std::string& text) {
  if (code < 0x80) {
    text += static_cast<char>(code);
    return;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  const unsigned head = more == 1 ? 0xC0u : more == 2 ? 0xE0u : 0xF0u;
  text += static_cast<char>(head | code >> (6 * more));
  for (int i = more - 1; i >= 0; --i) text += static_cast<char>(0x80u | (code >> (6 * i) & 0x3Fu));
}

void append_checked(std::string_view bytes, std::string& text) {
  for_each_stretch(
      bytes, [&](std::string_view valid) { text += valid; }, [&](unsigned char) { text += "\xEF\xBF\xBD"; });
}

const std::array<char32_t, 256>& byte_symbols() {
  static const std::array<char32_t, 256> symbols = make_symbols();
  return symbols;
}

std::optional<std::string> bytes_of_piece(std::string_view piece) {
  static const std::array<int, 0x144> bytes = make_bytes();
  std::string text;
  for (std::size_t at = 0; at < piece.size();) {
    const std::size_t length = character_length(piece, at);
    if (length == 0) return std::nullopt;
    const char32_t code = code_point(piece, at);
    if (code >= bytes.size() || bytes[code] < 0) return std::nullopt;
    text += static_cast<char>(bytes[code]);
    at += length;
  }
  return text;
}

bool is_white_space(char32_t code) { return u_hasBinaryProperty(static_cast<UChar32>(code), UCHAR_WHITE_SPACE) != 0; }

bool is_word_character(char32_t code) {
  const auto c = static_cast<UChar32>(code);
  if (u_hasBinaryProperty(c, UCHAR_ALPHABETIC) || u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL)) return true;
  return (U_GET_GC_MASK(c) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0;
}

}  // namespace temper::hf_bpe_plugin
