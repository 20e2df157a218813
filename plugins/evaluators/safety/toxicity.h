// How toxic a text is: by a trained classifier, by a word list, or both side by side. Used by safety.cpp, which knows what
// the texts are. Neither classifier nor list comes with temper.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "temper/text_classifier.h"

namespace temper::safety {

/// Terms of a word list, one a line. A term with a Hangul letter counts wherever it stands, any other one as whole words,
/// because Korean puts endings on its words and lists do not have them. Case and typographic marks make no difference.
class Lexicon {
 public:
  /// Throws DataError for a file that cannot be read or has no term.
  explicit Lexicon(const std::string& path);
  bool found_in(std::string_view text) const;

 private:
  std::unordered_set<std::string> whole_;
  std::vector<std::string> parts_;   ///< with Hangul
  std::vector<std::string> marked_;  ///< with marks inside, such as "a$$"
  std::size_t longest_ = 0;          ///< words of the longest whole term
};

class Toxicity {
 public:
  /// Paths, "" for none. Throws DataError, also for a classifier without `label`.
  Toxicity(const std::string& classifier, const std::string& label, const std::string& lexicon);
  bool measures() const { return classifier_.has_value() || lexicon_.has_value(); }
  bool has_lexicon() const { return lexicon_.has_value(); }
  /// 0 to 1: the classifier's probability, the highest over windows; without a classifier 1 if a term of the list occurs.
  double score(std::string_view text) const;
  bool has_term(std::string_view text) const { return lexicon_->found_in(text); }

 private:
  std::optional<TextClassifier> classifier_;
  std::string label_;
  std::optional<Lexicon> lexicon_;
};

}  // namespace temper::safety
