// Phrases that C4 looks for, found in one pass over a text. Used by quality.cpp.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace temper::quality {

enum class PhraseKind { kLoremIpsum, kJavascript, kPolicy };

struct Phrase {
  std::size_t begin = 0;
  PhraseKind kind = PhraseKind::kLoremIpsum;
};
/// All of them in the order of the text, whatever their case (of ASCII letters).
std::vector<Phrase> phrases_of(std::string_view text);

}  // namespace temper::quality
