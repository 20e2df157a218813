// Punkt's decision procedure. Every '.', '?' or '!' before white space or closing punctuation is a candidate; its two
// neighbours decide: abbreviation, ellipsis, initial, number, and the case of the word that follows.
#include "sentences.h"

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "unicode.h"
#include "vocabulary.h"

namespace temper::instruction_following {
namespace {

constexpr std::u32string_view kAfterWord = U")\";}]*:@'({[!?";      // ends a word, and may follow a sentence end directly
constexpr std::u32string_view kNoWordStart = U"(\"`{[:;&#*@)}]-,";  // a token of its own
constexpr std::u32string_view kClosing = U"\"')]}";                 // belongs to the sentence before it

bool has(std::u32string_view set, char32_t c) { return set.find(c) != std::u32string_view::npos; }
bool is_end_mark(char32_t c) { return c == U'.' || c == U'?' || c == U'!'; }

std::size_t run_of(std::u32string_view text, std::size_t at, char32_t c) {
  std::size_t n = 0;
  while (at + n < text.size() && text[at + n] == c) ++n;
  return n;
}

/// Length of a dash of two or more hyphens, of dots, or of spaced dots (". . .") at `at`; 0 if there is none.
std::size_t multi_mark(std::u32string_view text, std::size_t at) {
  if (const auto dashes = run_of(text, at, U'-'); dashes >= 2) return dashes;
  if (const auto dots = run_of(text, at, U'.'); dots >= 2) return dots;
  std::size_t pairs = 0, end = at;
  while (end + 1 < text.size() && text[end] == U'.' && is_space(text[end + 1])) {
    ++pairs;
    end += 2;
  }
  if (pairs >= 2 && end < text.size() && text[end] == U'.') return end + 1 - at;
  return pairs >= 3 ? end - 1 - at : 0;
}

bool word_stops(std::u32string_view text, std::size_t at) {
  if (at >= text.size() || is_space(text[at]) || has(kAfterWord, text[at]) || multi_mark(text, at) > 0) return true;
  if (text[at] != U',') return false;
  const std::size_t next = at + 1;
  return next >= text.size() || is_space(text[next]) || has(kAfterWord, text[next]) || multi_mark(text, next) > 0;
}

std::vector<std::u32string> tokens_of(std::u32string_view text) {
  std::vector<std::u32string> tokens;
  for (std::size_t at = 0; at < text.size();) {
    if (is_space(text[at])) {
      ++at;
      continue;
    }
    std::size_t size = multi_mark(text, at);
    if (size == 0 && has(kNoWordStart, text[at])) size = 1;
    if (size == 0) {
      size = 1;
      while (!word_stops(text, at + size)) ++size;
    }
    tokens.emplace_back(text.substr(at, size));
    at += size;
  }
  return tokens;
}

bool is_number(std::u32string_view token) {
  std::size_t at = 0;
  if (at < token.size() && token[at] == U'-') ++at;
  if (at < token.size() && (token[at] == U'.' || token[at] == U',')) ++at;
  if (at >= token.size() || token[at] < U'0' || token[at] > U'9') return false;
  for (; at < token.size(); ++at) {
    if ((token[at] < U'0' || token[at] > U'9') && !has(U",.-", token[at])) return false;
  }
  return true;
}

bool is_initial(std::u32string_view token) {
  return token.size() == 2 && token[1] == U'.' && token[0] != U'_' && is_word(token[0]) &&
         !(token[0] >= U'0' && token[0] <= U'9');
}

bool is_abbreviation(std::u32string_view token) {
  const std::string word = lower(encode(token.substr(0, token.size() - 1)));
  if (abbreviations().count(word) > 0) return true;
  const std::size_t hyphen = word.rfind('-');
  return hyphen != std::string::npos && abbreviations().count(word.substr(hyphen + 1)) > 0;
}

enum class Starts { kYes, kNo, kUnknown };

/// Whether the spelling of `next` says that a sentence starts with it, if `starters` are words that a capital is news of.
Starts starts_sentence(std::u32string_view next, const std::unordered_set<std::string>& starters) {
  if (next.size() == 1 && has(U";:,.!?", next[0])) return Starts::kNo;
  if (is_lower(next[0])) return Starts::kNo;
  if (is_upper(next[0]) && starters.count(lower(encode(next))) > 0) return Starts::kYes;
  return Starts::kUnknown;
}

/// Whether a sentence ends after `token`, given the one that follows.
bool ends_sentence(const std::u32string& token, const std::u32string& next) {
  if (token == U"." || token == U"?" || token == U"!") return true;
  if (token.back() != U'.') return false;
  const bool ellipsis = token.size() >= 2 && token[0] == U'.' && token[1] == U'.';
  const bool double_end = token.size() >= 2 && token[token.size() - 2] == U'.';
  const bool abbreviated = !ellipsis && !double_end && is_abbreviation(token);
  const bool initial = is_initial(token);
  // Function words only: after "Mr." a "Brown" or "Price" is a name.
  if ((abbreviated || ellipsis) && !initial) return starts_sentence(next, function_words()) == Starts::kYes;
  if (ellipsis || double_end || abbreviated) return false;
  if (!initial && !is_number(token)) return true;
  // "J. Smith" and "No. 5 on" go on; "and I. The" and "1. Wash" do not.
  const Starts starts = starts_sentence(next, ordinary_words());
  return starts == Starts::kYes || (starts == Starts::kUnknown && !(initial && is_upper(next[0])));
}

bool has_break(std::u32string_view context) {
  const auto tokens = tokens_of(context);
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (ends_sentence(tokens[i], tokens[i + 1])) return true;
  }
  return false;
}

struct Candidate {
  std::size_t mark;                 ///< position of the end mark
  std::size_t context_end;          ///< after the token that follows it
  std::optional<std::size_t> next;  ///< where that token starts, if white space lies between
};

std::vector<Candidate> candidates_in(std::u32string_view text) {
  std::vector<Candidate> found;
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    if (!is_end_mark(text[at])) continue;
    if (has(kAfterWord, text[at + 1])) {
      found.push_back({at, at + 2, std::nullopt});
      continue;
    }
    std::size_t next = at + 1;
    while (next < text.size() && is_space(text[next])) ++next;
    if (next == at + 1 || next == text.size()) continue;
    std::size_t end = next;
    while (end < text.size() && !is_space(text[end])) ++end;
    found.push_back({at, end, next});
  }
  return found;
}

/// Start of the white-space-delimited word that `mark` ends.
std::size_t word_before(std::u32string_view text, std::size_t mark) {
  std::size_t end = mark;
  while (end > 0 && is_space(text[end - 1])) --end;
  while (end > 0 && !is_space(text[end - 1])) --end;
  return end;
}

/// Cuts the closing quotes and brackets off the front of `rest` that belong to the sentence before.
std::size_t closing_prefix(std::u32string_view rest) {
  std::size_t size = 0;
  while (size < rest.size() && has(kClosing, rest[size])) ++size;
  if (size == 0) return 0;
  if (size == rest.size() || is_space(rest[size])) return size;
  return rest.substr(size, 2) == U"--" ? size : 0;
}

}  // namespace

std::vector<std::string> sentences(std::string_view utf8) {
  const std::u32string text = decode(strip(utf8));
  if (text.empty()) return {};
  // From the right: a candidate inside the word that belongs to the one after it is no candidate of its own.
  std::vector<Candidate> chosen;
  const auto all = candidates_in(text);
  std::size_t limit = text.size() + 1;
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    if (!chosen.empty() && it->mark + 1 > limit) continue;
    limit = word_before(text, it->mark);
    chosen.push_back(*it);
  }
  std::reverse(chosen.begin(), chosen.end());

  std::vector<std::string> out;
  std::size_t from = 0;
  const auto add = [&](std::size_t to) {
    std::u32string_view piece = std::u32string_view(text).substr(from, to - from);
    if (!out.empty()) {
      const std::size_t closing = closing_prefix(piece);
      out.back() += encode(piece.substr(0, closing));
      piece.remove_prefix(closing);
    }
    std::string sentence = strip(encode(piece));
    if (!sentence.empty()) out.push_back(std::move(sentence));
  };
  for (const auto& candidate : chosen) {
    const std::size_t begin = word_before(text, candidate.mark);
    if (!has_break(std::u32string_view(text).substr(begin, candidate.context_end - begin))) continue;
    add(candidate.mark + 1);
    from = candidate.next.value_or(candidate.mark + 1);
  }
  add(text.size());
  return out;
}

std::size_t count_sentences(std::string_view text) { return sentences(text).size(); }

}  // namespace temper::instruction_following
