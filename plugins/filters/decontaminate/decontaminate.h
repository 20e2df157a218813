// Documents that hold parts of evaluation sets: n-grams of words that stand in an evaluation text too. Evaluation texts are
// read once, when the filter is made; each of their n-grams is 8 bytes and the number of its text.
// Source: Brown et al., "Language Models are Few-Shot Learners" (2020), appendix C (13-grams, lower case, no punctuation).
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "temper/filter.h"
#include "temper/params.h"

namespace temper::filters {

struct DecontaminateParams {
  std::vector<std::string> against, fields;
  std::int64_t ngram = 13, shortest = 8, min_hits = 1;
  std::string action = "drop";
  std::int64_t too_common = 10;
};
ParamTable<DecontaminateParams> decontaminate_params();

class Decontaminate final : public Filter, public DocumentFilter {
 public:
  /// Throws DataError for files that are missing or hold no text of `shortest` words.
  Decontaminate(const DecontaminateParams& params, const Filter::Args& args);
  std::string fingerprint() override { return fingerprint_; }
  FilterResult judge(const Document& document) const override;
  std::size_t texts() const { return texts_; }

 private:
  void add_text(const std::string& text, std::uint32_t file);

  DecontaminateParams params_;
  std::string fingerprint_;
  std::vector<std::string> names_;  ///< of the files, as types of spans
  /// By length of the n-gram: those of `ngram` words, and whole texts that are shorter.
  std::unordered_map<std::size_t, std::unordered_map<std::uint64_t, std::uint32_t>> grams_;
  std::size_t texts_ = 0;
};

}  // namespace temper::filters
