// Passages that stand twice, in one document or in two: every later occurrence of a passage of at least `min_length` units
// is taken out or marked, the first one stays. Found with a suffix array over all documents, in pieces where the whole one
// does not fit into memory: every two pieces are searched together, so nothing is missed. Source: Lee et al., "Deduplicating
// Training Data Makes Language Models Better", ACL 2022 (there with 50 tokens).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temper/filter.h"
#include "temper/params.h"

namespace temper::filters {

struct SubstringDedupParams {
  std::int64_t min_length = 50;
  std::string unit = "word", action = "remove";
};
ParamTable<SubstringDedupParams> substring_dedup_params();

class SubstringDedup final : public Filter, public CorpusFilter {
 public:
  SubstringDedup(const SubstringDedupParams& params, const Filter::Args& args) : params_(params), args_(args) {}
  std::string digest(const Document& document) const override;
  void add(std::uint64_t number, std::string_view digest) override;
  std::string needs() const override;
  void decide(const CorpusTexts& texts, const std::function<bool()>& cancelled) override;
  FilterResult result(std::uint64_t number, const Document& document) const override;
  std::vector<std::pair<std::string, double>> figures() const override;

 private:
  /// Places of a document, in its units.
  struct Range {
    std::uint64_t begin = 0, end = 0;
  };
  struct Piece;
  struct Plan;
  Plan plan() const;
  void search(const std::vector<Piece>& pieces);
  bool by_words() const { return params_.unit == "word"; }

  SubstringDedupParams params_;
  Filter::Args args_;
  std::vector<std::uint64_t> lengths_;        ///< of the documents, in units
  std::vector<std::vector<Range>> repeated_;  ///< of each document, in order and apart
  double pieces_ = 0, building_bytes_ = 0, repeats_ = 0;
};

}  // namespace temper::filters
