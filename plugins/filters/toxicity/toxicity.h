// Documents with words of a list, or that a trained classifier holds for toxic: dropped, masked or marked. temper ships
// neither list nor model. Words are compared folded (NFKC, case); Hangul terms are found inside words too, because particles
// and endings hang on them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "temper/filter.h"
#include "temper/params.h"
#include "temper/text_classifier.h"
#include "words.h"

namespace temper::filters {

struct ToxicityParams {
  std::vector<std::string> lexicon, labels;
  std::string model, action = "drop";
  bool tricks = false, inside_hangul = true;
  std::int64_t max_count = 0, window = 40;
  double max_share = 0, threshold = 0.5;
};
ParamTable<ToxicityParams> toxicity_params();

/// The terms of lists, ready to be found.
class Lexicon {
 public:
  /// One term a line, several words allowed; lines that begin with # are not terms. Throws DataError for a file that is
  /// missing, not UTF-8 or without a term.
  Lexicon(const std::vector<std::string>& files, const std::string& base_dir, bool tricks, bool inside_hangul);
  /// Bytes of the text, in order and apart.
  std::vector<std::pair<std::size_t, std::size_t>> find(std::string_view text, const Units& words) const;
  const std::string& fingerprint() const { return fingerprint_; }
  std::size_t size() const { return terms_; }

 private:
  void add(const std::string& term);
  std::unordered_map<std::size_t, std::unordered_set<std::uint64_t>> phrases_;  ///< by their number of words
  std::unordered_set<std::string> plain_;   ///< single words as people write around a filter, once they are undone
  std::unordered_set<std::string> hangul_;  ///< terms that are one Hangul word
  std::vector<std::size_t> hangul_bytes_;   ///< lengths that occur there
  bool tricks_, inside_hangul_;
  std::size_t terms_ = 0;
  std::string fingerprint_;
};

class Toxicity final : public Filter, public DocumentFilter {
 public:
  /// Throws ConfigError for labels that the model does not have, DataError for files that cannot be read.
  Toxicity(const ToxicityParams& params, const Filter::Args& args);
  std::string fingerprint() override;
  FilterResult judge(const Document& document) const override;

 private:
  ToxicityParams params_;
  std::string model_sha256_;
  std::unique_ptr<Lexicon> lexicon_;
  std::unique_ptr<TextClassifier> model_;
  std::vector<std::size_t> labels_;  ///< of the model's, that are toxic
};

}  // namespace temper::filters
