// The verdict on one response: every instruction, strictly and loosely. Called by the evaluator, by `temper score` and by
// tests; it knows nothing of models or datasets.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "check.h"

namespace temper::instruction_following {

/// An item's instructions, checked and ready to judge responses.
class Instructions {
 public:
  /// From the fields instruction_id_list and kwargs of `row`. Throws DataError for missing or unequal lists, unknown ids
  /// and bad arguments.
  Instructions(const nlohmann::json& row, const Options& options);
  const std::vector<std::string>& ids() const { return ids_; }

  struct Verdict {
    std::vector<bool> strict, loose;  ///< one an instruction, in order
    bool all_strict() const;
    bool all_loose() const;
  };
  /// Throws DataError if the response is not valid UTF-8.
  Verdict judge(const std::string& response) const;

 private:
  std::vector<std::string> ids_;
  std::vector<Check> checks_;
};

/// The response and its seven relaxed forms: without its first line, its last line, both, and each without asterisks.
std::vector<std::string> relaxed_forms(const std::string& response);
/// "length_constraints" of "length_constraints:number_words".
std::string family_of(const std::string& id);

}  // namespace temper::instruction_following
