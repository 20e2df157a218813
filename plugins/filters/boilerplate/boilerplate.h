// What is in many documents and in none of them meant: licences, navigation, and lines that one document repeats. Whole
// lines are taken out, each with its newline; every rule is a parameter.
#pragma once

#include <cstdint>

#include "temper/filter.h"
#include "temper/params.h"

namespace temper::filters {

struct BoilerplateParams {
  bool licences = true, gutenberg = true, navigation = true, copyright_lines = true, repeated_lines = true;
  std::int64_t min_repeats = 3, min_repeated_chars = 25;
  double min_repeated_share = 0.02;
};
ParamTable<BoilerplateParams> boilerplate_params();

class Boilerplate final : public Filter, public DocumentFilter {
 public:
  explicit Boilerplate(const BoilerplateParams& params) : params_(params) {}
  /// The score is the share of the document's bytes that are taken out.
  FilterResult judge(const Document& document) const override;

 private:
  BoilerplateParams params_;
};

}  // namespace temper::filters
