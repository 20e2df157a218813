// Regular expressions (PCRE2, Unicode properties on), with the few questions that checks ask of them. Patterns may come
// from users' keywords, so compiling is fallible on purpose; matching is bounded and fails with a DataError.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace temper::instruction_following {

enum class Case { kExact, kIgnore };

class Pattern {
 public:
  /// Multi-line: ^ and $ match at line ends. Throws DataError if `expression` is no valid pattern.
  explicit Pattern(const std::string& expression, Case letter_case = Case::kExact);
  /// A keyword as the published checker takes it, as a pattern; one that is no valid pattern ("C++") means itself.
  static Pattern of_keyword(const std::string& keyword, const std::string& before = "", const std::string& after = "",
                            Case letter_case = Case::kIgnore);

  bool found_in(const std::string& text) const;
  std::size_t count(const std::string& text) const;
  /// Non-overlapping matches from left to right, as [begin, end) byte offsets.
  std::vector<std::pair<std::size_t, std::size_t>> spans(const std::string& text) const;
  std::vector<std::string> matches(const std::string& text) const;
  /// The text between the matches; always one more than there are matches.
  std::vector<std::string> split(const std::string& text) const;
  /// Every match replaced; `replacement` may name groups as $1.
  std::string replace(const std::string& text, const std::string& replacement) const;

 private:
  struct Code;
  explicit Pattern(std::shared_ptr<const Code> code) : code_(std::move(code)) {}
  static std::shared_ptr<const Code> compile(const std::string& expression, Case letter_case, std::string& problem);
  std::shared_ptr<const Code> code_;
};

}  // namespace temper::instruction_following
