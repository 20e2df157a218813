// length_constraints:*: words, sentences, paragraphs, and the first word of a paragraph.
#include "check.h"
#include "pattern.h"
#include "sentences.h"
#include "unicode.h"

namespace temper::instruction_following {
namespace {

Check number_words(const Arguments& arguments) {
  const Threshold threshold = arguments.threshold("num_words", "relation");
  return [threshold](const std::string& response) {
    return threshold.holds(static_cast<std::int64_t>(words(response).size()));
  };
}

Check number_sentences(const Arguments& arguments) {
  const Threshold threshold = arguments.threshold("num_sentences", "relation");
  return [threshold](const std::string& response) {
    return threshold.holds(static_cast<std::int64_t>(count_sentences(response)));
  };
}

/// Paragraphs between *** dividers. The first and the last may be blank and then do not count; a blank one inside fails.
Check number_paragraphs(const Arguments& arguments) {
  const auto wanted = static_cast<std::size_t>(arguments.count("num_paragraphs"));
  const Pattern divider("\\s?\\*\\*\\*\\s?");
  return [wanted, divider](const std::string& response) {
    const auto parts = divider.split(response);
    std::size_t count = parts.size();
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (!is_blank(parts[i])) continue;
      if (i != 0 && i + 1 != parts.size()) return false;
      --count;
    }
    return count == wanted;
  };
}

/// The first word in lower case, without quotes before it and from the first punctuation mark on.
std::string first_word_of(const std::string& paragraph) {
  std::u32string word;
  for (const char32_t c : decode(paragraph)) {
    if (is_space(c)) break;
    word += c;
  }
  const std::string bare = encode(word);
  const std::string_view unquoted = trim_front(trim_front(bare, '\''), '"');
  return lower(unquoted.substr(0, unquoted.find_first_of(".,?!'\"")));
}

/// Paragraphs between blank lines. Blank chunks are no paragraphs, neither for the count nor for the index.
Check nth_paragraph_first_word(const Arguments& arguments) {
  const auto wanted = static_cast<std::size_t>(arguments.count("num_paragraphs"));
  const auto nth = static_cast<std::size_t>(arguments.count("nth_paragraph"));
  const std::string word = lower(arguments.text("first_word"));
  if (nth < 1 || nth > wanted) {
    arguments.fail("nth_paragraph",
                   "is " + std::to_string(nth) + ", must be from 1 to num_paragraphs (" + std::to_string(wanted) + ")");
  }
  return [wanted, nth, word](const std::string& response) {
    std::vector<std::string> paragraphs;
    for (const auto& part : split(response, "\n\n")) {
      if (!is_blank(part)) paragraphs.push_back(strip(part));
    }
    return paragraphs.size() == wanted && first_word_of(paragraphs[nth - 1]) == word;
  };
}

}  // namespace

std::vector<Kind> length_kinds() {
  return {{"length_constraints:nth_paragraph_first_word", nth_paragraph_first_word},
          {"length_constraints:number_paragraphs", number_paragraphs},
          {"length_constraints:number_sentences", number_sentences},
          {"length_constraints:number_words", number_words}};
}

}  // namespace temper::instruction_following
