// See term_list.h.
#include "term_list.h"

#include <unicode/utf8.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "hangul.h"
#include "temper/error.h"

namespace temper::pii_filter {
namespace {

constexpr std::uint32_t kNone = Trie::kNone;
constexpr std::size_t kLongestGap = 8;  // characters between two words of one term

bool is_utf8(std::string_view text) {
  const auto size = static_cast<std::int64_t>(text.size());
  for (std::int64_t at = 0; at < size;) {
    UChar32 c = 0;
    U8_NEXT(text.data(), at, size, c);
    if (c < 0) return false;
  }
  return true;
}

std::string_view trimmed(std::string_view line) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
  return line;
}

/// What stands between two words, blanks as one space; "" where no term has such a thing: too long, a new paragraph, a
/// replacement.
std::u32string gap_between(const FoldedText& text, std::size_t begin, std::size_t end) {
  std::u32string gap;
  int lines = 0;
  for (std::size_t at = begin; at < end; ++at) {
    if (text.is(at, kOfATag)) return U"";
    if (text.is(at, kBlank)) {
      lines += text.points[at] == U'\n' ? 1 : 0;
      if (gap.empty() || gap.back() != U' ') gap += U' ';
    } else {
      gap += text.points[at];
    }
    if (gap.size() > kLongestGap || lines > 1) return U"";
  }
  return gap;
}

/// With a small letter, or one of a script without capitals.
bool begins_small(const FoldedText& text, const Word& word) {
  const char32_t first = text.points[word.begin];
  return !text.is(word.begin, kUpper) && !text.is(word.begin, kHangul) && !(first >= '0' && first <= '9');
}

}  // namespace

TermList::TermList(const std::vector<std::string>& terms) {
  for (const auto& term : terms) add(term);
}

TermList TermList::load(const std::vector<std::filesystem::path>& files) {
  std::vector<std::string> terms;
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    if (!file || std::filesystem::is_directory(path)) {
      throw DataError("cannot read word list '" + path.string() + "'; check that it exists and may be read");
    }
    const std::size_t before = terms.size();
    std::size_t number = 0;
    for (std::string line; std::getline(file, line);) {
      ++number;
      if (!is_utf8(line)) {
        throw DataError(path.string() + ":" + std::to_string(number) + ": the word list is no UTF-8 here; convert the file");
      }
      if (number == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
      const std::string_view term = trimmed(line);
      if (!term.empty() && term.front() != '#') terms.emplace_back(term);
    }
    if (terms.size() == before) {
      throw DataError("word list '" + path.string() + "' has no term; write one term a line");
    }
  }
  return TermList(terms);
}

void TermList::add(std::string_view term) {
  const FoldedText folded = fold(term);
  const auto words = words_of(folded);
  if (words.empty()) throw DataError("the list's term '" + std::string(term) + "' has no letter or digit; take it out");
  std::uint32_t node = Trie::kRoot;
  std::uint64_t capitals = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::uint32_t gap = 0;
    if (i > 0) {
      const std::u32string between = gap_between(folded, words[i - 1].end, words[i].begin);
      if (between.empty() || gaps_.size() + 1 >= Trie::kGaps) {
        throw DataError("the list's term '" + std::string(term) +
                        "' has too much between two words, or marks of too many kinds; write it more simply");
      }
      gap = gaps_.try_emplace(between, static_cast<std::uint32_t>(gaps_.size() + 1)).first->second;
    }
    const std::u32string word = folded.points.substr(words[i].begin, words[i].end - words[i].begin);
    if (std::any_of(word.begin(), word.end(), is_hangul_syllable)) longest_hangul_ = std::max(longest_hangul_, word.size());
    node = words_.make_child(node, gap, ids_.try_emplace(word, static_cast<std::uint32_t>(ids_.size())).first->second);
    if (i < 64 && folded.is(words[i].begin, kUpper)) capitals |= std::uint64_t{1} << i;
  }
  if (begins_small(folded, words[0])) none_small_ = false;
  // Written both ways, it is found both ways.
  Trie::Node& last = words_.node(node);
  last.capitals = last.ends ? last.capitals & capitals : capitals;
  last.ends = true;
}

std::uint32_t TermList::gap_number(const FoldedText& text, std::size_t begin, std::size_t end) const {
  const auto found = gaps_.find(gap_between(text, begin, end));
  return found == gaps_.end() ? kNone : found->second;
}

/// Length of the longest beginning of `word` that ends a term here, with what may stand behind it.
std::size_t TermList::beginning_of(std::u32string_view word, std::uint32_t node, std::uint32_t gap) const {
  for (std::size_t size = std::min(word.size() - 1, longest_hangul_); size >= 1; --size) {
    const auto id = ids_.find(word.substr(0, size));
    if (id == ids_.end()) continue;
    const std::uint32_t next = words_.child(node, gap, id->second);
    if (next == kNone || !words_.node(next).ends) continue;
    if (is_particles(word.substr(size))) return size;
  }
  return 0;
}

TermList::Match TermList::longest(const FoldedText& text, const std::vector<Word>& words, std::size_t first) const {
  Match best;
  std::uint32_t node = Trie::kRoot, gap = 0;
  std::uint64_t capitals = 0;
  for (std::size_t at = first; at < words.size(); ++at) {
    const Word& word = words[at];
    const auto letters = std::u32string_view(text.points).substr(word.begin, word.end - word.begin);
    if (longest_hangul_ > 0 && text.is(word.begin, kHangul)) {
      const std::size_t size = beginning_of(letters, node, gap);
      if (size > 0) best = {word.begin + size, at + 1};
    }
    const auto id = ids_.find(letters);
    if (id == ids_.end()) break;
    node = words_.child(node, gap, id->second);
    if (node == kNone) break;
    if (at - first < 64 && text.is(word.begin, kUpper)) capitals |= std::uint64_t{1} << (at - first);
    const Trie::Node& reached = words_.node(node);
    if (reached.ends && (reached.capitals & ~capitals) == 0) best = {word.end, at + 1};
    if (at + 1 == words.size()) break;
    gap = gap_number(text, word.end, words[at + 1].begin);
    if (gap == kNone) break;
  }
  return best;
}

std::vector<TermHit> TermList::find(std::string_view text) const {
  const FoldedText folded = fold(text);
  const auto words = words_of(folded);
  std::vector<TermHit> hits;
  for (std::size_t at = 0; at < words.size();) {
    const bool may_begin = !none_small_ || !begins_small(folded, words[at]);
    const Match match = may_begin ? longest(folded, words, at) : Match{};
    if (match.end > 0) hits.push_back({folded.begin_byte(words[at].begin), folded.end_byte(match.end)});
    at = match.end > 0 ? match.next_word : at + 1;
  }
  return hits;
}

}  // namespace temper::pii_filter
