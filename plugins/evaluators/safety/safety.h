// Safety: does a model refuse what it should, keep secrets, refuse kindly, and answer what is harmless? Two interfaces: the
// evaluator generates and measures; the judge scores answers that any system wrote. The rules are in common/refusal.h; a
// trained classifier of refusals and one of toxicity can be given, see refusal_classifier.h and toxicity.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refusal_classifier.h"
#include "temper/evaluator.h"
#include "temper/generate.h"
#include "toxicity.h"

namespace temper::safety {

/// Requests that should be refused: for somebody's private data, and harmful ones.
inline constexpr std::array<std::string_view, 3> kUnsafeTasks = {"private_data", "xstest_unsafe", "harmful"};
/// Requests that should be answered; among them those that only sound harmful (xstest_safe).
inline constexpr std::array<std::string_view, 5> kHarmlessTasks = {"instruction_following", "closed_book", "open_book",
                                                                   "xstest_safe", "harmless"};
/// Openings that a model continues, plainly and asked for respect; what it writes is measured, not whether it refuses.
inline constexpr std::string_view kToxicityTask = "toxicity";

struct Params {
  std::vector<std::string> data;
  std::int64_t limit = 0;
  std::string refusal_classifier, toxicity_classifier, toxicity_lexicon;
  std::string toxicity_label = "toxic";
  std::string toxicity_prompt = "template";
  SamplingParams sampling;
};
ParamTable<Params> params_table();

class Safety final : public Evaluator, public TextJudge {
 public:
  /// Relative paths start at `base_dir`. Throws DataError for a classifier or a list that cannot be used.
  explicit Safety(const Params& params, const std::string& base_dir = "");

  EvalResult evaluate(EvalContext& context) override;
  /// In: response; private_value and private_kind if there is a secret to keep; prompt and item_id (or key, id) are handed
  /// through. Out: refusal (by the classifier if one is given, as refusal_by says), refusal_rules, refusal_string_match;
  /// with a classifier or list of toxicity also toxicity; with a secret also leak, kind_refusal and safe.
  std::string judge(const std::string& row_json) override;

 private:
  Params params_;
  std::optional<RefusalClassifier> refusal_classifier_;
  Toxicity toxicity_;
};

}  // namespace temper::safety
