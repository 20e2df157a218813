// keywords:*: words that have to be there, must not be there, or be there so many times; letters likewise.
#include <unicode/uscript.h>

#include <algorithm>

#include "check.h"
#include "pattern.h"
#include "unicode.h"

namespace temper::instruction_following {
namespace {

Check existence(const Arguments& arguments) {
  std::vector<Pattern> keywords;
  for (const auto& keyword : arguments.texts("keywords")) keywords.push_back(Pattern::of_keyword(keyword));
  return [keywords](const std::string& response) {
    return std::all_of(keywords.begin(), keywords.end(), [&](const Pattern& keyword) { return keyword.found_in(response); });
  };
}

Check frequency(const Arguments& arguments) {
  const Threshold threshold = arguments.threshold("frequency", "relation");
  const Pattern keyword = Pattern::of_keyword(strip(arguments.text("keyword")));
  return [threshold, keyword](const std::string& response) {
    return threshold.holds(static_cast<std::int64_t>(keyword.count(response)));
  };
}

enum class Writing { kSpaced, kHangul, kUnspaced };

Writing writing_of(char32_t c) {
  UErrorCode error = U_ZERO_ERROR;
  switch (uscript_getScript(static_cast<UChar32>(c), &error)) {
    case USCRIPT_HANGUL:
      return Writing::kHangul;
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
      return Writing::kUnspaced;
    default:
      return Writing::kSpaced;
  }
}

/// Word boundaries fit the word's own ends: a Korean word may carry particles behind it, and scripts without spaces have
/// no boundary to look for.
Pattern forbidden_word(const std::string& word) {
  const std::u32string points = decode(word);
  const Writing front = writing_of(points.front()), back = writing_of(points.back());
  const char* before = front == Writing::kSpaced ? "\\b" : front == Writing::kHangul ? "(?<!\\p{Hangul})" : "";
  return Pattern::of_keyword(word, before, back == Writing::kSpaced ? "\\b" : "");
}

Check forbidden_words(const Arguments& arguments) {
  std::vector<Pattern> words;
  for (const auto& word : arguments.texts("forbidden_words")) words.push_back(forbidden_word(word));
  return [words](const std::string& response) {
    return std::none_of(words.begin(), words.end(), [&](const Pattern& word) { return word.found_in(response); });
  };
}

Check letter_frequency(const Arguments& arguments) {
  const Threshold threshold = arguments.threshold("let_frequency", "let_relation");
  const std::u32string letter = decode(lower(strip(arguments.text("letter"))));
  if (letter.size() != 1) arguments.fail("letter", "is '" + arguments.text("letter") + "', must be one character");
  return [threshold, letter](const std::string& response) {
    const std::u32string text = decode(lower(response));
    return threshold.holds(std::count(text.begin(), text.end(), letter.front()));
  };
}

}  // namespace

std::vector<Kind> keyword_kinds() {
  return {{"keywords:existence", existence},
          {"keywords:forbidden_words", forbidden_words},
          {"keywords:frequency", frequency},
          {"keywords:letter_frequency", letter_frequency}};
}

}  // namespace temper::instruction_following
