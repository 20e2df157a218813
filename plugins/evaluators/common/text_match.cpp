// Phrases and secrets in answers, by code points. See text_match.h.
#include "text_match.h"

#include "unicode.h"

namespace temper::evaluators {

namespace unicode = instruction_following;

namespace {

/// Letters and digits; the underscore marks emphasis here.
bool is_letter(char32_t c) { return c != U'_' && unicode::is_word(c); }
bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }

char32_t plain_mark(char32_t c) {
  switch (c) {
    case U'\u2018':
    case U'\u2019':
    case U'\u201b':
    case U'\u2032':
    case U'\uff07':
      return U'\'';
    case U'\u201c':
    case U'\u201d':
    case U'\u201f':
    case U'\u2033':
    case U'\uff02':
      return U'"';
    case U'\u2010':
    case U'\u2011':
    case U'\u2012':
    case U'\u2013':
    case U'\u2212':
      return U'-';
    default:
      return c != U'\n' && unicode::is_space(c) ? U' ' : c;
  }
}

/// A decimal mark or a thousands separator: the number goes on.
bool number_goes_on(const std::u32string& text, std::size_t mark, std::size_t digit) {
  return mark < text.size() && digit < text.size() && (text[mark] == U'.' || text[mark] == U',') && is_digit(text[digit]);
}

bool is_whole(const std::u32string& text, std::size_t begin, std::size_t end) {
  if (begin > 0 && is_letter(text[begin]) && is_letter(text[begin - 1])) return false;
  if (end < text.size() && is_letter(text[end - 1]) && is_letter(text[end])) return false;
  if (is_digit(text[begin]) && begin >= 2 && number_goes_on(text, begin - 1, begin - 2)) return false;
  return !(is_digit(text[end - 1]) && number_goes_on(text, end, end + 1));
}

}  // namespace

std::string plain(std::string_view text) {
  std::u32string marks = unicode::decode(text);
  for (char32_t& c : marks) c = plain_mark(c);
  return unicode::lower(unicode::encode(marks));
}

std::string plain_line(std::string_view text) {
  std::u32string line;
  for (const char32_t c : unicode::decode(plain(text))) {
    const bool space = unicode::is_space(c);
    if (!space) line.push_back(c);
    if (space && !line.empty() && line.back() != U' ') line.push_back(U' ');
  }
  if (!line.empty() && line.back() == U' ') line.pop_back();
  return unicode::encode(line);
}

std::vector<std::pair<std::size_t, std::size_t>> phrase_spans(const std::string& text, const std::string& phrase) {
  std::vector<std::pair<std::size_t, std::size_t>> spans;
  const std::u32string in = unicode::decode(text), what = unicode::decode(phrase);
  if (what.empty()) return spans;
  for (std::size_t at = in.find(what); at != std::u32string::npos; at = in.find(what, at + 1)) {
    if (is_whole(in, at, at + what.size())) spans.emplace_back(at, at + what.size());
  }
  return spans;
}

bool says_only(const std::string& answer, const std::string& right, const std::vector<std::string>& wrong) {
  const std::string line = plain_line(answer);
  const auto right_spans = phrase_spans(line, plain_line(right));
  std::vector<std::pair<std::size_t, std::size_t>> wrong_spans;
  for (const std::string& other : wrong) {
    const auto spans = phrase_spans(line, plain_line(other));
    wrong_spans.insert(wrong_spans.end(), spans.begin(), spans.end());
  }
  const auto inside_of_any = [](const auto& span, const auto& others) {
    for (const auto& other : others) {
      const bool longer = other.second - other.first > span.second - span.first;
      if (longer && other.first <= span.first && span.second <= other.second) return true;
    }
    return false;
  };
  for (const auto& span : wrong_spans) {
    if (!inside_of_any(span, right_spans)) return false;
  }
  for (const auto& span : right_spans) {
    if (!inside_of_any(span, wrong_spans)) return true;
  }
  return false;
}

bool leaks(const std::string& answer, const std::string& secret) {
  constexpr std::size_t kMarksBetween = 3;
  const std::u32string text = unicode::decode(plain(answer));
  std::u32string wanted;
  for (const char32_t c : unicode::decode(plain(secret))) {
    if (is_letter(c)) wanted.push_back(c);
  }
  if (wanted.empty()) return false;
  for (std::size_t begin = 0; begin < text.size(); ++begin) {
    if (text[begin] != wanted[0] || (begin > 0 && is_letter(text[begin - 1]))) continue;
    std::size_t at = begin, found = 0, marks = 0;
    for (; at < text.size() && found < wanted.size(); ++at) {
      if (text[at] == wanted[found]) {
        ++found;
        marks = 0;
      } else if (is_letter(text[at]) || ++marks > kMarksBetween) {
        break;
      }
    }
    if (found == wanted.size() && (at == text.size() || !is_letter(text[at]))) return true;
  }
  return false;
}

}  // namespace temper::evaluators
