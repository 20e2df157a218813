// The Treebank's conventions as a handful of rewriting rules over one sentence at a time, since a full stop is a token of
// its own only at the end of a sentence.
#include "word_tokens.h"

#include "pattern.h"
#include "sentences.h"
#include "unicode.h"

namespace temper::instruction_following {
namespace {

struct Rule {
  Pattern pattern;
  const char* replacement;
};

const std::vector<Rule>& rules() {
  static const std::vector<Rule> kRules = {
      {Pattern("``|''|[\"\u00ab\u00bb\u201c\u201d\u2018\u2019\u201e]"), " $0 "},
      {Pattern("(?<=[^.])\\.(?=[\\])}>\"'\u00bb\u201d\u2019 ]*\\s*\\z)"), " . "},
      {Pattern("[:,](?=\\D|\\z)"), " $0 "},
      {Pattern("\\.{2,}|--+|[][;@#$%&?!*(){}<>]"), " $0 "},
      {Pattern("(?<=[^' ])'(?=[ ]|\\z)"), " ' "},
      {Pattern("(?<=[^' ])(?:'[smd]|'ll|'re|'ve|n't)(?=[ ]|\\z)", Case::kIgnore), " $0 "},
      {Pattern("\\b(can)(not)\\b|\\b(gon|wan)(na)\\b|\\b(got)(ta)\\b|\\b(gim|lem)(me)\\b", Case::kIgnore),
       " $1$3$5$7 $2$4$6$8 "},
      {Pattern("(?<= )('t)(is|was)\\b", Case::kIgnore), " $1 $2 "},
  };
  return kRules;
}

}  // namespace

std::vector<std::string> word_tokens(const std::string& text) {
  std::vector<std::string> tokens;
  for (const std::string& sentence : sentences(text)) {
    std::string spaced = " " + sentence + " ";
    for (const Rule& rule : rules()) spaced = rule.pattern.replace(spaced, rule.replacement);
    std::string token;
    for (const char32_t c : decode(spaced)) {
      if (!is_space(c)) {
        token += encode(std::u32string_view(&c, 1));
      } else if (!token.empty()) {
        tokens.push_back(std::move(token));
        token.clear();
      }
    }
    if (!token.empty()) tokens.push_back(std::move(token));
  }
  return tokens;
}

}  // namespace temper::instruction_following
