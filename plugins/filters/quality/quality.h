// The published rules for web text: C4 (lines), Gopher (words and repetition), FineWeb (lines and repetition). Each rule can
// be switched off, each threshold is a parameter; the verdict names the rule. Lengths are characters.
// Sources: Raffel et al., "Exploring the Limits of Transfer Learning" (2020), section 2.2 (C4); Rae et al., "Scaling
// Language Models: Methods, Analysis & Insights from Training Gopher" (2021), appendix A.1; Penedo et al., "The FineWeb
// Datasets" (2024), section 3.6. Where the papers leave something open, the definitions are those of datatrove's filters.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temper/filter.h"
#include "temper/params.h"

namespace temper::quality {

struct QualityParams {
  std::vector<std::string> rules = {"c4", "gopher_repetition", "gopher_quality", "fineweb"}, without = {"c4_punctuation"};
  bool english = true;
  // Gopher, words.
  std::int64_t min_words = 50, max_words = 100000, min_stop_words = 2;
  double min_word_length = 3, max_word_length = 10, max_symbol_ratio = 0.1, max_bullet_lines = 0.9, max_ellipsis_lines = 0.3,
         min_alpha_words = 0.8;
  // Gopher, repetition.
  double dup_line_fraction = 0.3, dup_paragraph_fraction = 0.3, dup_line_characters = 0.2, dup_paragraph_characters = 0.2,
         top_2_gram = 0.20, top_3_gram = 0.18, top_4_gram = 0.16, dup_5_gram = 0.15, dup_6_gram = 0.14, dup_7_gram = 0.13,
         dup_8_gram = 0.12, dup_9_gram = 0.11, dup_10_gram = 0.10;
  // C4.
  std::int64_t min_line_words = 3, max_word_characters = 1000, min_sentences = 5;
  // FineWeb.
  std::int64_t short_line = 30;
  double min_punctuated_lines = 0.12, max_short_lines = 0.67, max_dup_line_characters = 0.01, max_newline_ratio = 0.3;
};
ParamTable<QualityParams> quality_params();
/// Names of all single rules, as verdicts give them and `without` takes them.
const std::vector<std::string>& quality_rule_names();

class Quality final : public Filter, public DocumentFilter {
 public:
  explicit Quality(const QualityParams& params) : params_(params) {}
  FilterResult judge(const Document& document) const override;

 private:
  bool uses(const std::string& set) const;
  bool on(const char* rule) const;
  QualityParams params_;
};

}  // namespace temper::quality
