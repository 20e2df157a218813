// Documents that are nearly the same: candidates by MinHash and bands, each pair then compared by the true Jaccard
// similarity of its shingles, clusters by union-find, one document of a cluster kept. Memory is 8 bytes a document and band,
// or the scratch folder; texts are read again for the comparison.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "minhash.h"
#include "temper/filter.h"
#include "temper/params.h"
#include "words.h"

namespace temper::filters {

struct NearDedupParams {
  double threshold = 0.8;
  std::int64_t num_perm = 128, bands = 16, ngram = 5;
  std::string unit = "word", keep = "first", action = "drop";
  std::int64_t seed = 1;
};
ParamTable<NearDedupParams> near_dedup_params();

/// One verified pair of a document: with whom, and how similar.
struct NearMatch {
  std::uint64_t partner = 0;
  double similarity = 0;
};

class NearDedup final : public Filter, public CorpusFilter {
 public:
  NearDedup(const NearDedupParams& params, const Filter::Args& args);
  ~NearDedup() override;
  std::string digest(const Document& document) const override;
  void add(std::uint64_t number, std::string_view digest) override;
  void decide(const CorpusTexts& texts, const std::function<bool()>& cancelled) override;
  FilterResult result(std::uint64_t number, const Document& document) const override;
  bool edits() const override { return false; }
  std::vector<std::pair<std::string, double>> figures() const override;

 private:
  class Bands;
  NearDedupParams params_;
  Unit unit_;
  MinHash minhash_;
  std::uint64_t memory_bytes_;
  std::unique_ptr<Bands> bands_;
  std::map<std::uint64_t, std::uint64_t> cluster_of_;  ///< of documents that have near copies: the smallest number
  std::map<std::uint64_t, std::uint64_t> kept_of_;     ///< of a cluster: the document that stays
  std::map<std::uint64_t, NearMatch> best_match_;
  std::uint64_t candidates_ = 0, confirmed_ = 0;
};

}  // namespace temper::filters
