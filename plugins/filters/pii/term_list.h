// A list of names or places and where they stand in a text, as whole words and runs of them. Unicode form makes no
// difference, and case only this: what the list writes with a capital is found only with one ("Mark" is a name, "mark" is
// not). The list is a trie over words, so a text takes linear time however long the list is. [any thread once made]
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "folded_text.h"
#include "trie.h"

namespace temper::pii_filter {

struct TermHit {
  std::size_t begin = 0, end = 0;  ///< bytes
};
class TermList {
 public:
  /// Throws DataError for a term that can never be found: no word, or too much between two of them.
  explicit TermList(const std::vector<std::string>& terms);
  /// One term a line; blank lines and lines that begin with "#" are left out. Throws DataError for a file that cannot be
  /// read, is no UTF-8, or has no term.
  static TermList load(const std::vector<std::filesystem::path>& files);

  /// In order and apart, the longest where several begin.
  std::vector<TermHit> find(std::string_view text) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::u32string_view text) const { return std::hash<std::u32string_view>()(text); }
  };
  using Numbers = std::unordered_map<std::u32string, std::uint32_t, Hash, std::equal_to<>>;
  /// Points; `end` 0 is none.
  struct Match {
    std::size_t end = 0, next_word = 0;
  };

  void add(std::string_view term);
  std::uint32_t gap_number(const FoldedText& text, std::size_t begin, std::size_t end) const;
  Match longest(const FoldedText& text, const std::vector<Word>& words, std::size_t first) const;
  std::size_t beginning_of(std::u32string_view word, std::uint32_t node, std::uint32_t gap) const;

  Numbers ids_, gaps_;  ///< of words, and of what stands between two of them
  Trie words_;
  std::size_t longest_hangul_ = 0;  ///< syllables of the longest word with Hangul
  bool none_small_ = true;          ///< no term begins with a small letter, so that most words of a text cannot begin one
};

}  // namespace temper::pii_filter
