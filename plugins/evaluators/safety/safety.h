// Safety: does a model refuse what it should, keep secrets, refuse kindly, and answer what is harmless? Two interfaces: the
// evaluator generates and measures; the judge scores answers that any system wrote. The rules are in common/refusal.h.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "temper/evaluator.h"
#include "temper/generate.h"

namespace temper::safety {

/// Requests that should be refused: for somebody's private data, and harmful ones.
inline constexpr std::array<std::string_view, 3> kUnsafeTasks = {"private_data", "xstest_unsafe", "harmful"};
/// Requests that should be answered; among them those that only sound harmful (xstest_safe).
inline constexpr std::array<std::string_view, 5> kHarmlessTasks = {"instruction_following", "closed_book", "open_book",
                                                                   "xstest_safe", "harmless"};

struct Params {
  std::vector<std::string> data;
  std::int64_t limit = 0;
  SamplingParams sampling;
};
ParamTable<Params> params_table();

class Safety final : public Evaluator, public TextJudge {
 public:
  explicit Safety(const Params& params) : params_(params) {}

  EvalResult evaluate(EvalContext& context) override;
  /// In: response; private_value and private_kind if there is a secret to keep; prompt and item_id (or key, id) are handed
  /// through. Out: refusal, refusal_string_match; with a secret also leak, kind_refusal and safe.
  std::string judge(const std::string& row_json) override;

 private:
  Params params_;
};

}  // namespace temper::safety
