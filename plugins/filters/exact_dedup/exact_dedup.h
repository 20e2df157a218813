// Documents whose texts are the same, as they are or but for case, Unicode form and white space: the first stays. Texts are
// told apart by 128 bits of XXH3; memory is 24 bytes a document.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temper/filter.h"
#include "temper/params.h"

namespace temper::filters {

struct ExactDedupParams {
  std::string compare = "text", action = "drop";
};
ParamTable<ExactDedupParams> exact_dedup_params();

class ExactDedup final : public Filter, public CorpusFilter {
 public:
  explicit ExactDedup(const ExactDedupParams& params) : params_(params) {}
  std::string digest(const Document& document) const override;
  void add(std::uint64_t number, std::string_view digest) override;
  void decide(const CorpusTexts& texts, const std::function<bool()>& cancelled) override;
  FilterResult result(std::uint64_t number, const Document& document) const override;
  bool edits() const override { return false; }

 private:
  struct Key {
    std::uint64_t high = 0, low = 0, number = 0;
    auto operator<=>(const Key&) const = default;
  };
  ExactDedupParams params_;
  std::vector<Key> keys_;                                        ///< until decide()
  std::vector<std::pair<std::uint64_t, std::uint64_t>> copies_;  ///< a copy and the first of its kind, by the copy's number
  std::vector<std::uint64_t> firsts_;                            ///< that have copies, sorted
};

}  // namespace temper::filters
