// Personal data in documents: what the SDK tells by its form (temper/pii.h), and names and addresses from lists. Each find
// is masked, replaced by a fake that is the same wherever the value stands, marked, or costs the document its place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fakes.h"
#include "temper/filter.h"
#include "temper/params.h"
#include "temper/pii.h"
#include "term_list.h"

namespace temper::pii_filter {

struct PiiParams {
  std::vector<std::string> types;
  std::string action = "mask";
  double min_score = 0;
  std::int64_t max_count = 0;
  std::vector<std::string> names, addresses;
  std::int64_t seed = 0;
};
ParamTable<PiiParams> pii_params();

class PiiFilter final : public Filter, public DocumentFilter {
 public:
  /// Throws ConfigError for unknown types or types without their list, DataError for lists that cannot be read.
  PiiFilter(const PiiParams& params, const Filter::Args& args);
  std::string fingerprint() override { return fingerprint_; }
  FilterResult judge(const Document& document) const override;

  /// The types of pii.h, and kName and kAddress.
  static std::string type_name(PiiType type);

 private:
  std::vector<PiiSpan> find(std::string_view text) const;
  std::string tag(PiiType type) const;
  std::string replacement(PiiType type, std::string_view value) const;

  PiiParams params_;
  std::vector<bool> wanted_;  ///< by type
  std::optional<TermList> names_, addresses_;
  Fakes fakes_;
  std::string fingerprint_;
};

}  // namespace temper::pii_filter
