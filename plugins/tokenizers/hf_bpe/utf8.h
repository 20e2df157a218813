// UTF-8 and the byte alphabet in which byte-level BPE spells its pieces: every byte is one printable character, so that a
// vocabulary is readable JSON text. Used by all other files here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace temper::hf_bpe_plugin {

/// Bytes of the character that begins at `at`, or 0 if no valid one does (overlong forms and surrogates are not valid).
std::size_t character_length(std::string_view text, std::size_t at);
/// The character at `at`, which has to be valid.
char32_t code_point(std::string_view text, std::size_t at);
void append_utf8(char32_t code, std::string& text);

/// Calls `valid(stretch)` for each longest run of whole characters and `invalid(byte)` for each byte between them.
template <class Valid, class Invalid>
void for_each_stretch(std::string_view text, Valid valid, Invalid invalid) {
  std::size_t begin = 0, at = 0;
  while (at < text.size()) {
    const std::size_t length = static_cast<unsigned char>(text[at]) < 0x80 ? 1 : character_length(text, at);
    if (length > 0) {
      at += length;
      continue;
    }
    if (begin < at) valid(text.substr(begin, at - begin));
    invalid(static_cast<unsigned char>(text[at]));
    begin = ++at;
  }
  if (begin < at) valid(text.substr(begin));
}

/// Appends bytes that a model wrote; each one that forms no character becomes U+FFFD.
void append_checked(std::string_view bytes, std::string& text);

/// The character that stands for each byte: printable Latin-1 characters for themselves, the others from U+0100 on.
const std::array<char32_t, 256>& byte_symbols();
/// The bytes that a piece stands for, or nothing if a character of it is not in the alphabet.
std::optional<std::string> bytes_of_piece(std::string_view piece);

/// Characters with the property White_Space, and what Unicode calls a word character (Alphabetic, mark, digit, connector).
bool is_white_space(char32_t code);
bool is_word_character(char32_t code);

}  // namespace temper::hf_bpe_plugin
