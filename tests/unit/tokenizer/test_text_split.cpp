// Cutting text into what SentencePiece may see (plugins/tokenizers/sentencepiece/text_split.h).
#include <string>
#include <vector>

#include "catch.h"
#include "text_split.h"

using namespace temper::sentencepiece_plugin;

TEST_CASE("character_length knows the borders of UTF-8") {
  const auto length = [](const std::string& text) { return character_length(text, 0); };
  CHECK(length("a") == 1);
  CHECK(length("\xC2\x80") == 2);
  CHECK(length("\xC1\xBF") == 0);  // overlong
  CHECK(length("\xE0\xA0\x80") == 3);
  CHECK(length("\xE0\x9F\xBF") == 0);
  CHECK(length("\xED\x9F\xBF") == 3);
  CHECK(length("\xED\xA0\x80") == 0);  // surrogate
  CHECK(length("\xF0\x90\x80\x80") == 4);
  CHECK(length("\xF0\x8F\xBF\xBF") == 0);
  CHECK(length("\xF4\x8F\xBF\xBF") == 4);
  CHECK(length("\xF4\x90\x80\x80") == 0);  // above U+10FFFF
  CHECK(length("\xF0\x9F\xA4") == 0);      // cut short
  CHECK(length("\x80") == 0);
}

TEST_CASE("stretches cover the text and keep awkward characters apart") {
  const std::string text = std::string("ab\n\xFF") + '\0' + "c\xE2\x96\x81\xEC\x95\x88 d";
  Stretches stretches(text);
  Stretch stretch;
  std::string joined;
  std::vector<StretchKind> kinds;
  while (stretches.next(stretch)) {
    joined += stretch.text;
    kinds.push_back(stretch.kind);
  }
  CHECK(joined == text);
  using K = StretchKind;
  CHECK(kinds == std::vector<K>{K::kText, K::kLineBreak, K::kInvalidByte, K::kAwkwardCharacter, K::kText,
                                K::kAwkwardCharacter, K::kText});
}

TEST_CASE("words carry the spaces before them") {
  std::string_view text = "a  bc d  ";
  std::vector<std::string> words;
  while (!text.empty()) words.emplace_back(take_word(text));
  CHECK(words == std::vector<std::string>{"a", "  bc", " d", "  "});
}
