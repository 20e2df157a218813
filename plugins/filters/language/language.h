// Which language a document is in, by the library CLD2, and which languages stay. Letters alone are looked at, so that
// numbers, punctuation and control characters say nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "temper/filter.h"
#include "temper/params.h"

namespace temper::filters {

struct LanguageParams {
  std::vector<std::string> keep;
  double min_confidence = 0.5;
  std::int64_t max_bytes = 8192;
};
ParamTable<LanguageParams> language_params();

struct Identified {
  std::string code;       ///< ISO 639-1 where there is one, else 639-3; "zh-hant" for traditional Chinese; "" if none fits
  double confidence = 0;  ///< the language's share of the text; half of it where CLD2 itself calls its answer a guess
};
/// Looks at the text's first `max_bytes` bytes.
Identified identified(std::string_view text, std::size_t max_bytes);
/// Every code that identified() may give.
std::vector<std::string> language_codes();

class Language final : public Filter, public DocumentFilter {
 public:
  explicit Language(const LanguageParams& params);
  /// The score is the confidence. The reason is language_CODE or uncertain, for documents that stay too.
  FilterResult judge(const Document& document) const override;

 private:
  LanguageParams params_;
};

}  // namespace temper::filters
