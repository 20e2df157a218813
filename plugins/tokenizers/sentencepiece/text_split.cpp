// Stretches and words (see text_split.h).
#include "text_split.h"

#include <algorithm>

namespace temper::sentencepiece_plugin {
namespace {

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

}  // namespace

std::size_t character_length(std::string_view text, std::size_t at) {
  const unsigned first = byte_at(text, at);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + length > text.size()) return 0;
  // The second byte alone decides about overlong forms, surrogates and the upper end.
  const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  const unsigned second = byte_at(text, at + 1);
  if (second < low || second > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte_at(text, at + i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

StretchKind Stretches::kind_at(std::size_t at, std::size_t& length) const {
  const char c = text_[at];
  length = 1;
  if (c == '\n') return StretchKind::kLineBreak;
  if (c == '\0') return StretchKind::kAwkwardCharacter;
  if (static_cast<unsigned char>(c) < 0x80) return StretchKind::kText;
  length = character_length(text_, at);
  if (length == 0) {
    length = 1;
    return StretchKind::kInvalidByte;
  }
  return text_.substr(at, length) == kSpaceSign ? StretchKind::kAwkwardCharacter : StretchKind::kText;
}

bool Stretches::next(Stretch& stretch) {
  if (at_ == text_.size()) return false;
  std::size_t length = 0;
  const std::size_t begin = at_;
  stretch.kind = kind_at(at_, length);
  at_ += length;
  while (stretch.kind == StretchKind::kText && at_ < text_.size() && kind_at(at_, length) == StretchKind::kText) {
    at_ += length;
  }
  stretch.text = text_.substr(begin, at_ - begin);
  return true;
}

std::string_view take_word(std::string_view& text) {
  const std::size_t letters = std::min(text.find_first_not_of(' '), text.size());
  const std::string_view word = text.substr(0, text.find(' ', letters));
  text.remove_prefix(word.size());
  return word;
}

}  // namespace temper::sentencepiece_plugin
