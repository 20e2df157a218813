// Scanning text (see claim_tokens.h).
#include "claim_tokens.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "text_match.h"
#include "unicode.h"

namespace temper::hallucination {
namespace {

namespace unicode = instruction_following;

bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_letter(char32_t c) { return c != U'_' && unicode::is_word(c) && !is_digit(c); }

/// Without thousands separators and needless zeros; exact, as numbers.h has it.
std::string number_value(const std::string& digits) {
  std::string value;
  for (const char c : digits) {
    if (c != ',') value += c;
  }
  if (const std::size_t point = value.find('.'); point != std::string::npos) {
    while (value.back() == '0') value.pop_back();
    if (value.back() == '.') value.pop_back();
  }
  const std::size_t first = std::min(value.find_first_not_of('0'), value.size() - 1);
  value.erase(0, value[first] == '.' ? first - 1 : first);
  return value;
}

constexpr std::array<std::string_view, 20> kSmall = {
    "zero", "one",    "two",    "three",    "four",     "five",    "six",     "seven",     "eight",    "nine",
    "ten",  "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::array<std::string_view, 20> kSmallOrdinals = {
    "",           "first",     "second",    "third",       "fourth",     "fifth",     "sixth",
    "seventh",    "eighth",    "ninth",     "tenth",       "eleventh",   "twelfth",   "thirteenth",
    "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth"};
constexpr std::array<std::string_view, 8> kTens = {"twenty", "thirty",  "forty",  "fifty",
                                                   "sixty",  "seventy", "eighty", "ninety"};

std::optional<int> small_number(const std::string& word, bool ordinals) {
  for (std::size_t i = 0; i < kSmall.size(); ++i) {
    if (word == kSmall[i] || (ordinals && i > 0 && word == kSmallOrdinals[i])) return static_cast<int>(i);
  }
  return std::nullopt;
}

/// "twelve", "twenty", "twenty-nine", "third". "One" and "first", "second" are rarely numbers, so they are none here.
std::optional<std::string> word_value(const std::string& word) {
  if (word == "one" || word == "first" || word == "second" || word == "zero") return std::nullopt;
  if (const auto small = small_number(word, true)) return std::to_string(*small);
  const std::size_t hyphen = word.find('-');
  const std::string front = word.substr(0, hyphen);
  for (std::size_t t = 0; t < kTens.size(); ++t) {
    if (front != kTens[t]) continue;
    const int tens = 10 * static_cast<int>(t + 2);
    if (hyphen == std::string::npos) return std::to_string(tens);
    const auto ones = small_number(word.substr(hyphen + 1), true);
    if (ones && *ones > 0 && *ones < 10) return std::to_string(tens + *ones);
  }
  return std::nullopt;
}

bool is_abbreviation(const Token& token) {
  static constexpr std::array<std::string_view, 18> kKnown = {"mr", "mrs", "ms",  "dr",  "st",   "prof", "jr", "sr", "vs",
                                                              "mt", "rev", "gen", "col", "capt", "lt",   "eg", "ie", "etc"};
  return token.word && ((token.capital && token.lower.size() == 1 && token.lower != "i") ||
                        std::find(kKnown.begin(), kKnown.end(), token.lower) != kKnown.end());
}

}  // namespace

std::vector<Token> tokens_of(const std::string& text) {
  // Marks become plain ones; case stays.
  std::u32string marks = unicode::decode(text);
  for (char32_t& c : marks) {
    if (c == U'\u2019' || c == U'\u2018') c = U'\'';
    if (c == U'\u2010' || c == U'\u2011') c = U'-';
  }
  std::vector<Token> tokens;
  bool starts = true, spaced = true, line = true;
  for (std::size_t i = 0; i < marks.size();) {
    if (unicode::is_space(marks[i])) {
      // A line break ends a heading or a list's item.
      if (marks[i] == U'\n') starts = line = true;
      spaced = true;
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    Token token;
    const auto at = [&](std::size_t k) { return k < marks.size() ? marks[k] : U' '; };
    if (is_digit(marks[i])) {
      while (is_digit(at(end)) || ((at(end) == U'.' || at(end) == U',') && is_digit(at(end + 1)))) ++end;
      token.number = number_value(unicode::encode(marks.substr(i, end - i)));
      // 3rd, 1990s
      std::size_t tail = end;
      while (is_letter(at(tail))) ++tail;
      const std::string suffix = unicode::lower(unicode::encode(marks.substr(end, tail - end)));
      if (suffix == "st" || suffix == "nd" || suffix == "rd" || suffix == "th" || suffix == "s") end = tail;
    } else if (is_letter(marks[i])) {
      token.word = true;
      token.capital = unicode::is_upper(marks[i]) || unicode::is_title(marks[i]);
      while (is_letter(at(end)) || is_digit(at(end)) ||
             ((at(end) == U'\'' || at(end) == U'-' || at(end) == U'&') && is_letter(at(end + 1)))) {
        ++end;
      }
    }
    token.text = unicode::encode(marks.substr(i, end - i));
    if (token.word && token.text.ends_with("'s")) token.text.resize(token.text.size() - 2);
    token.lower = unicode::lower(token.text);
    if (token.word) token.number = word_value(token.lower);
    token.spaced = spaced;
    token.starts_line = line;
    token.starts_sentence = starts && (token.word || token.number);
    if (token.word || token.number) {
      starts = false;
    } else if (token.text == "." || token.text == ")") {
      // A list's "1)" and a sentence's end, but not the stop of "Dr." or an initial.
      const bool bullet = !tokens.empty() && tokens.back().starts_line && tokens.back().number;
      starts |= bullet || (token.text == "." && (tokens.empty() || !is_abbreviation(tokens.back())));
    } else if (token.text == "!" || token.text == "?" || token.text == "\"" || token.text == "*" || token.text == "\u201c" ||
               (token.text == ":" && unicode::is_space(at(end)))) {
      // What follows a mark of quotation or a colon may be capitalised for no other reason.
      starts = true;
    }
    spaced = line = false;
    tokens.push_back(std::move(token));
    i = end;
  }
  return tokens;
}

}  // namespace temper::hallucination
