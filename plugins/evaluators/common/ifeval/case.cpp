// change_case:*: the case of all letters, in English; and how many words are in capitals.
#include "check.h"
#include "language_detection.h"
#include "unicode.h"
#include "word_tokens.h"

namespace temper::instruction_following {
namespace {

/// A text without letters counts as English, as in the published checker; the case test has its own say before.
bool is_english(const std::string& response) {
  const Language language = detect_language(response);
  return language.detection == Detection::kNoText || language.code == "en";
}

Check capitals(const Arguments&) {
  return [](const std::string& response) { return all_upper(response) && is_english(response); };
}

Check lowercase(const Arguments&) {
  return [](const std::string& response) { return all_lower(response) && is_english(response); };
}

Check capital_words(const Arguments& arguments) {
  const Threshold threshold = arguments.threshold("capital_frequency", "capital_relation");
  return [threshold](const std::string& response) {
    std::int64_t count = 0;
    for (const auto& token : word_tokens(response)) count += all_upper(token) ? 1 : 0;
    return threshold.holds(count);
  };
}

}  // namespace

std::vector<Kind> case_kinds() {
  return {{"change_case:capital_word_frequency", capital_words},
          {"change_case:english_capital", capitals},
          {"change_case:english_lowercase", lowercase}};
}

}  // namespace temper::instruction_following
