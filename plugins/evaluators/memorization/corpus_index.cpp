// See corpus_index.h.
#include "corpus_index.h"

#include <algorithm>

namespace temper::memorization {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// Byte at which each token's text ends within the text of all. A token that ends inside a character ends before it.
std::vector<std::size_t> token_ends(const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids, std::size_t size) {
  std::vector<std::size_t> ends;
  std::vector<std::int32_t> some;
  for (const std::int32_t id : ids) {
    some.push_back(id);
    ends.push_back(std::min(size, whole_text(tokenizer, some).size()));
  }
  for (std::size_t i = ends.size(); i-- > 1;) ends[i - 1] = std::min(ends[i - 1], ends[i]);
  return ends;
}

}  // namespace

CorpusIndex::CorpusIndex(const std::vector<Document>& documents, std::uint64_t most_bytes) {
  std::uint64_t all = 0;
  for (const auto& document : documents) all += document.text.size();
  for (const auto& document : documents) {
    if (text_.size() + document.text.size() + 1 > most_bytes) {
      complete_ = false;
      if (documents_ == 0) {
        text_ = document.text.substr(0, character_start(document.text, most_bytes));
        documents_ = 1;
      }
      break;
    }
    text_ += document.text;
    text_ += static_cast<char>(kByteSeparator);
    ++documents_;
  }
  if (!complete_) share_ = static_cast<double>(text_.size()) / static_cast<double>(all);
  suffixes_.emplace(bytes_of(text_));
}

Overlap longest_overlap(const CorpusIndex& index, const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids) {
  const std::string text = whole_text(tokenizer, ids);
  const auto ends = token_ends(tokenizer, ids, text.size());
  Overlap longest;
  std::size_t token = 0;  // the first token that begins at or after `at`
  const auto begin_of = [&](std::size_t i) { return i == 0 ? 0 : ends[i - 1]; };
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (continues(text[at])) continue;
    const auto match = index.suffixes().longest_prefix(bytes_of(std::string_view(text).substr(at)));
    const std::size_t end = character_start(text, at + match.length);
    const auto characters = static_cast<std::int64_t>(std::count_if(text.begin() + static_cast<std::ptrdiff_t>(at),
                                                                    text.begin() + static_cast<std::ptrdiff_t>(end),
                                                                    [](char c) { return !continues(c); }));
    if (characters > longest.characters) {
      longest.characters = characters;
      longest.passage = text.substr(at, end - at);
    }
    while (token < ends.size() && begin_of(token) < at) ++token;
    if (token == ends.size() || begin_of(token) != at) continue;
    // Tokens up to the one that completes the last character; those behind it may have begun another one.
    const auto first = ends.begin() + static_cast<std::ptrdiff_t>(token);
    const auto beyond = std::upper_bound(first, ends.end(), end);
    if (beyond == first || *(beyond - 1) <= at) continue;
    const auto last = std::lower_bound(first, beyond, *(beyond - 1));
    longest.tokens = std::max(longest.tokens, static_cast<std::int64_t>(last - first) + 1);
  }
  return longest;
}

std::string whole_text(const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids) {
  std::string text = tokenizer.decode(ids);
  while (text.ends_with(kReplacement)) text.resize(text.size() - kReplacement.size());
  return text.substr(0, character_start(text, text.size()));
}

std::vector<std::int32_t> first_tokens(const Tokenizer& tokenizer, std::string_view text, std::size_t count) {
  // Tokens near a cut may differ from those of the whole text, so a few more are asked for than needed.
  constexpr std::size_t kSpare = 16;
  for (std::size_t size = count * 8 + 256;; size *= 2) {
    const std::size_t end = character_start(text, size);
    auto ids = tokenizer.encode(text.substr(0, end));
    if (end < text.size() && ids.size() < count + kSpare) continue;
    ids.resize(std::min(ids.size(), count));
    return ids;
  }
}

std::size_t character_start(std::string_view text, std::size_t at) {
  if (at >= text.size()) {
    // The text itself may end in a cut character.
    std::size_t begin = text.size();
    while (begin > 0 && text.size() - begin < 3 && continues(text[begin - 1])) --begin;
    if (begin == 0) return text.size();
    const auto lead = static_cast<unsigned char>(text[begin - 1]);
    const std::size_t needed = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    return text.size() - (begin - 1) < needed ? begin - 1 : text.size();
  }
  while (at > 0 && continues(text[at])) --at;
  return at;
}

}  // namespace temper::memorization
