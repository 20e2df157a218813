// The training documents as one text with a suffix array, so that "does this stand there, how often, and what is the longest
// part of it that does" is answered at once. Used by all parts of the evaluator.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "temper/dataset.h"
#include "temper/suffix_array.h"
#include "temper/tokenizer.h"

namespace temper::memorization {

class CorpusIndex {
 public:
  /// Of the documents in their order, whole ones until `most_bytes` are full (a first document that is too long is cut).
  CorpusIndex(const std::vector<Document>& documents, std::uint64_t most_bytes);
  CorpusIndex(const CorpusIndex&) = delete;
  CorpusIndex& operator=(const CorpusIndex&) = delete;

  std::uint64_t count(std::string_view text) const { return suffixes_->count(bytes_of(text)); }
  const SuffixArray<std::uint8_t>& suffixes() const { return *suffixes_; }
  std::size_t documents() const { return documents_; }  ///< how many of them it holds
  bool complete() const { return complete_; }
  double share() const { return share_; }  ///< of all bytes

 private:
  std::string text_;
  std::size_t documents_ = 0;
  bool complete_ = true;
  double share_ = 1;
  std::optional<SuffixArray<std::uint8_t>> suffixes_;
};

/// Length of the longest part of a text that stands in the corpus.
struct Overlap {
  std::int64_t characters = 0, tokens = 0;  ///< each the longest of its kind; whole characters and whole tokens only
  std::string passage;                      ///< the longest in characters
};
Overlap longest_overlap(const CorpusIndex& index, const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids);

/// What decode() gives without what is left of a character that was cut at the end (U+FFFD).
std::string whole_text(const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids);

/// The first `count` tokens of a text that may be long; fewer if it has fewer.
std::vector<std::int32_t> first_tokens(const Tokenizer& tokenizer, std::string_view text, std::size_t count);

/// The largest place not after `at` where a character of UTF-8 begins.
std::size_t character_start(std::string_view text, std::size_t at);

}  // namespace temper::memorization
