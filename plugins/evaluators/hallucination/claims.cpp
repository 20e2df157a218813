// Claims and their support (see claims.h).
#include "claims.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "claim_tokens.h"

namespace temper::hallucination {
namespace {

template <std::size_t n>
bool is_one_of(std::string_view word, const std::array<std::string_view, n>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr std::array<std::string_view, 12> kMonths = {"january", "february", "march",     "april",   "may",      "june",
                                                      "july",    "august",   "september", "october", "november", "december"};
/// Between the words of a name.
constexpr std::array<std::string_view, 9> kJoints = {"of", "the", "de", "la", "van", "von", "der", "and", "&"};
/// Capitalised for reasons of grammar.
constexpr std::array<std::string_view, 9> kNoNames = {"i", "i'm", "i'd", "i'll", "i've", "ok", "mr", "mrs", "ms"};

/// What sentences begin with before a name comes.
constexpr std::array<std::string_view, 52> kOpeners = {
    "a",     "an",    "the",    "in",     "on",   "at",    "by",   "for",  "from", "with",      "to",   "of",   "as",
    "since", "after", "before", "during", "when", "while", "if",   "but",  "and",  "or",        "so",   "then", "this",
    "that",  "these", "those",  "there",  "he",   "she",   "it",   "they", "we",   "you",       "his",  "her",  "its",
    "their", "our",   "my",     "your",   "yes",  "no",    "both", "some", "many", "according", "also", "hi",   "hello"};

/// One spelling a unit; "" for a word that is none.
std::string_view unit_of(const Token& token) {
  struct Unit {
    std::string_view word, unit;
  };
  static constexpr Unit kUnits[] = {{"%", "percent"},
                                    {"percent", "percent"},
                                    {"km", "kilometre"},
                                    {"kilometre", "kilometre"},
                                    {"kilometer", "kilometre"},
                                    {"m", "metre"},
                                    {"metre", "metre"},
                                    {"meter", "metre"},
                                    {"cm", "centimetre"},
                                    {"centimetre", "centimetre"},
                                    {"mile", "mile"},
                                    {"foot", "foot"},
                                    {"feet", "foot"},
                                    {"ft", "foot"},
                                    {"inch", "inch"},
                                    {"inche", "inch"},
                                    {"kg", "kilogram"},
                                    {"kilogram", "kilogram"},
                                    {"g", "gram"},
                                    {"gram", "gram"},
                                    {"pound", "pound"},
                                    {"lb", "pound"},
                                    {"ton", "ton"},
                                    {"tonne", "tonne"},
                                    {"litre", "litre"},
                                    {"liter", "litre"},
                                    {"gallon", "gallon"},
                                    {"year", "year"},
                                    {"month", "month"},
                                    {"week", "week"},
                                    {"day", "day"},
                                    {"hour", "hour"},
                                    {"minute", "minute"},
                                    {"dollar", "dollar"},
                                    {"euro", "euro"},
                                    {"degree", "degree"},
                                    {"acre", "acre"},
                                    {"hundred", "hundred"},
                                    {"thousand", "thousand"},
                                    {"million", "million"},
                                    {"billion", "billion"},
                                    {"trillion", "trillion"}};
  std::string_view word = token.lower;
  for (int plural = 0; plural < 2; ++plural) {
    for (const auto& unit : kUnits) {
      if (word == unit.word) return unit.unit;
    }
    if (!word.ends_with('s')) break;
    word.remove_suffix(1);
  }
  return "";
}

bool is_month(const Token& token) { return token.capital && is_one_of(token.lower, kMonths); }
bool is_name(const Token& token) {
  return token.word && token.capital && !token.number && !is_one_of(token.lower, kNoNames) && !is_month(token);
}
bool is_mark(const Token& token) { return !token.word && !token.number; }

/// What a source says, for questions of support.
class Source {
 public:
  explicit Source(const std::string& text) : tokens_(tokens_of(text)) {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const Token& token = tokens_[i];
      if (token.number) numbers_.insert(*token.number);
      if (token.word) words_.insert(token.lower);
      // A name elsewhere than at a sentence's beginning, or beside another one.
      const bool beside = i + 1 < tokens_.size() && is_name(tokens_[i + 1]);
      if (is_name(token) && (!token.starts_sentence || beside)) names_.insert(token.lower);
    }
  }

  bool has_number(const std::string& value) const { return numbers_.contains(value); }
  bool has_word(const std::string& lower) const { return words_.contains(lower); }
  bool knows_name(const std::string& lower) const { return names_.contains(lower); }

  /// The number with this unit behind it, or, for currency, before it.
  bool has_quantity(const std::string& value, std::string_view unit) const {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (tokens_[i].number != value) continue;
      for (std::size_t j = i + 1; j < std::min(i + 3, tokens_.size()); ++j) {
        if (unit_of(tokens_[j]) == unit) return true;
      }
      if (unit == "dollar" && i > 0 && tokens_[i - 1].text == "$") return true;
    }
    return false;
  }

  /// All of these words in this order within one sentence, at most two others between neighbours ("Rosa Maria Carmichael"
  /// has "Rosa Carmichael").
  bool has_name(const std::vector<std::string>& words) const {
    constexpr std::size_t kBetween = 2;
    for (std::size_t start = 0; start < tokens_.size(); ++start) {
      if (tokens_[start].lower != words.front()) continue;
      std::size_t at = start, found = 1;
      while (found < words.size()) {
        std::size_t next = at + 1;
        const std::size_t end = std::min(at + 2 + kBetween, tokens_.size());
        while (next < end && tokens_[next].lower != words[found]) ++next;
        if (next >= end || crosses(at, next)) break;
        at = next;
        ++found;
      }
      if (found == words.size()) return true;
    }
    return false;
  }

 private:
  bool crosses(std::size_t from, std::size_t to) const {
    for (std::size_t i = from + 1; i <= to; ++i) {
      if (tokens_[i].starts_sentence) return true;
    }
    return false;
  }

  std::vector<Token> tokens_;
  std::set<std::string> numbers_, words_, names_;
};

std::string joined(const std::vector<Token>& tokens, std::size_t begin, std::size_t end) {
  std::string text;
  for (std::size_t i = begin; i < end; ++i) text += (i > begin && tokens[i].spaced ? " " : "") + tokens[i].text;
  return text;
}

/// A month and the numbers around it; the end of it, or `begin` if there is no date here.
std::size_t date_end(const std::vector<Token>& tokens, std::size_t begin) {
  std::size_t at = begin;
  bool month = false, number = false;
  while (at < tokens.size() && at < begin + 5) {
    const Token& token = tokens[at];
    const bool joint = (month || number) && at + 1 < tokens.size() && (token.text == "," || token.lower == "of");
    if (is_month(token) && !month) {
      month = true;
    } else if (token.number && !token.word) {
      number = true;
    } else if (!joint || !(is_month(tokens[at + 1]) || (tokens[at + 1].number && !tokens[at + 1].word))) {
      break;
    }
    ++at;
  }
  return month && number ? at : begin;
}

/// The end of a run of capitalised words, joints between them included.
std::size_t name_end(const std::vector<Token>& tokens, std::size_t begin) {
  std::size_t end = begin + 1;
  while (end < tokens.size() && !tokens[end].starts_sentence) {
    if (is_name(tokens[end])) {
      ++end;
      continue;
    }
    std::size_t next = end;
    // An initial's or an abbreviation's full stop: "J. Smith".
    if (tokens[next].text == "." && tokens[end - 1].lower.size() <= 2) ++next;
    while (next < tokens.size() && next < end + 2 && is_one_of(tokens[next].lower, kJoints) && tokens[next].lower != "and")
      ++next;
    if (next == end || next >= tokens.size() || tokens[next].starts_sentence || !is_name(tokens[next])) break;
    end = next + 1;
  }
  return end;
}

}  // namespace

std::vector<Claim> claims_of(const std::string& answer, const std::string& source_text) {
  const Source source(source_text);
  const std::vector<Token> tokens = tokens_of(answer);
  // Without lower-case words, capitals say nothing.
  const bool has_case = std::any_of(tokens.begin(), tokens.end(), [](const Token& t) { return t.word && !t.capital; });
  std::vector<Claim> claims;
  for (std::size_t i = 0; i < tokens.size();) {
    if (const std::size_t end = date_end(tokens, i); end > i) {
      bool supported = true;
      for (std::size_t k = i; k < end; ++k) {
        if (tokens[k].number) supported &= source.has_number(*tokens[k].number);
        if (is_month(tokens[k])) supported &= source.has_word(tokens[k].lower);
      }
      claims.push_back({ClaimKind::kDate, joined(tokens, i, end), supported});
      i = end;
      continue;
    }
    if (tokens[i].number) {
      const std::string& value = *tokens[i].number;
      const std::string_view unit = i + 1 < tokens.size() ? unit_of(tokens[i + 1]) : "";
      const bool dollars = i > 0 && tokens[i - 1].text == "$";
      // The mark behind a list's number makes it none: "1. Take flour".
      const bool bullet = tokens[i].starts_line && !tokens[i].word && i + 1 < tokens.size() &&
                          (tokens[i + 1].text == "." || tokens[i + 1].text == ")");
      if (!unit.empty() || dollars) {
        const std::size_t end = unit.empty() ? i + 1 : i + 2;
        const bool supported = unit.empty() ? source.has_quantity(value, "dollar") : source.has_quantity(value, unit);
        claims.push_back({ClaimKind::kQuantity, joined(tokens, i - (dollars ? 1 : 0), end), supported});
        i = end;
        continue;
      }
      if (!bullet) claims.push_back({ClaimKind::kNumber, tokens[i].text, source.has_number(value)});
      ++i;
      continue;
    }
    if (!has_case || !is_name(tokens[i])) {
      if (has_case && is_month(tokens[i]) && !tokens[i].starts_sentence) {
        claims.push_back({ClaimKind::kDate, tokens[i].text, source.has_word(tokens[i].lower)});
      }
      ++i;
      continue;
    }
    std::size_t begin = i;
    const std::size_t end = name_end(tokens, i);
    i = end;
    // "The", "In" and their like stand before a name because the sentence begins there.
    if (tokens[begin].starts_sentence && !source.knows_name(tokens[begin].lower)) {
      const std::string& first = tokens[begin].lower;
      const bool ordinary = end - begin == 1 || is_one_of(first, kOpeners) || source.has_word(first);
      if (ordinary) ++begin;
      while (begin < end && !is_name(tokens[begin])) ++begin;
    }
    if (begin >= end) continue;
    std::vector<std::string> words;
    for (std::size_t k = begin; k < end; ++k) {
      if (!is_mark(tokens[k])) words.push_back(tokens[k].lower);
    }
    claims.push_back({ClaimKind::kEntity, joined(tokens, begin, end), source.has_name(words)});
  }
  return claims;
}

}  // namespace temper::hallucination
