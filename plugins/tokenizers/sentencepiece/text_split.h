// Cuts text into what SentencePiece may see and what it would change: invalid UTF-8, NUL, line breaks and U+2581 (its own
// sign for a space). Encoding writes those as single bytes; training skips them. Also the UTF-8 rule that decoding needs.
#pragma once

#include <cstddef>
#include <string_view>

namespace temper::sentencepiece_plugin {

/// U+2581, which SentencePiece writes for a space.
inline constexpr std::string_view kSpaceSign = "\xE2\x96\x81";

/// Bytes of the valid character at `at` (1 to 4), or 0 if none starts there (no overlong forms, no surrogates).
std::size_t character_length(std::string_view text, std::size_t at);

enum class StretchKind { kText, kLineBreak, kInvalidByte, kAwkwardCharacter };

struct Stretch {
  StretchKind kind;
  std::string_view text;  ///< one byte or character unless kText
};

/// Walks a text from stretch to stretch.
class Stretches {
 public:
  explicit Stretches(std::string_view text) : text_(text) {}
  bool next(Stretch& stretch);

 private:
  StretchKind kind_at(std::size_t at, std::size_t& length) const;
  std::string_view text_;
  std::size_t at_ = 0;
};

/// Takes the next word, with the spaces before it, off the front of `text`.
std::string_view take_word(std::string_view& text);

}  // namespace temper::sentencepiece_plugin
