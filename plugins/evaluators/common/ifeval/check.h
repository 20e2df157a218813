// What a check is, what it gets, and the table of all 25 kinds. A check is made once from an instruction's arguments (bad
// arguments fail there) and then asked about texts; the families below are one source file each.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace temper::instruction_following {

/// Whether a response follows the instruction. Never sees a blank response: those follow nothing (verdict.h).
using Check = std::function<bool(const std::string& response)>;

struct Options {
  /// Bullets as Markdown has them; otherwise as the published checker counts them, where a rule "---" is a bullet.
  bool markdown_bullets = false;
};

/// A count compared with a limit: "less than" or "at least".
struct Threshold {
  bool at_least = true;
  std::int64_t limit = 0;
  bool holds(std::int64_t count) const { return at_least ? count >= limit : count < limit; }
};

/// One instruction's kwargs, read with checks. Null and absent are the same. Throws DataError naming id and argument.
class Arguments {
 public:
  Arguments(std::string id, const nlohmann::json& kwargs, Options options);
  const std::string& id() const { return id_; }
  const Options& options() const { return options_; }
  std::string text(const char* name) const;  ///< not blank
  std::vector<std::string> texts(const char* name) const;
  std::int64_t count(const char* name) const;  ///< 0 or more
  Threshold threshold(const char* limit_name, const char* relation_name) const;
  [[noreturn]] void fail(const char* name, const std::string& problem) const;

 private:
  const nlohmann::json& need(const char* name) const;
  std::string id_;
  const nlohmann::json* kwargs_;
  Options options_;
};

/// Throws DataError for an id that is not one of the 25, naming it and listing those.
Check make_check(const std::string& id, const nlohmann::json& kwargs, const Options& options);
/// All ids, sorted.
const std::vector<std::string>& known_instructions();

struct Kind {
  const char* id;
  Check (*make)(const Arguments& arguments);
};
// The families, in the order of their ids.
std::vector<Kind> case_kinds();
std::vector<Kind> combination_kinds();
std::vector<Kind> content_kinds();
std::vector<Kind> format_kinds();
std::vector<Kind> keyword_kinds();
std::vector<Kind> language_kinds();
std::vector<Kind> length_kinds();
std::vector<Kind> punctuation_kinds();
std::vector<Kind> start_end_kinds();

}  // namespace temper::instruction_following
