// Finding and spelling numbers. See numbers.h.
#include "numbers.h"

#include "pattern.h"
#include "temper/error.h"
#include "text_match.h"

namespace temper::evaluators {
namespace {

const instruction_following::Pattern& number_pattern() {
  // A minus between two words or digits is a hyphen or a subtraction; commas are separators only before three digits.
  static const instruction_following::Pattern pattern(
      R"((?:(?<![\w)])-)?\$?(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+))");
  return pattern;
}

std::string one_spelling(const std::string& number) {
  std::string whole, fraction;
  bool negative = false, behind_point = false;
  for (const char c : number) {
    if (c == '-') negative = true;
    if (c == '.') behind_point = true;
    if (c >= '0' && c <= '9') (behind_point ? fraction : whole) += c;
  }
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  const std::size_t first = whole.find_first_not_of('0');
  whole = first == std::string::npos ? "0" : whole.substr(first);
  if (whole == "0" && fraction.empty()) return "0";
  return (negative ? "-" : "") + whole + (fraction.empty() ? "" : "." + fraction);
}

}  // namespace

std::optional<std::string> last_number(const std::string& text) {
  const auto found = number_pattern().matches(plain(text));
  if (found.empty()) return std::nullopt;
  return one_spelling(found.back());
}

std::string reference_number(const std::string& reference) {
  const std::size_t mark = reference.rfind("####");
  const auto number = last_number(mark == std::string::npos ? reference : reference.substr(mark + 4));
  if (!number) throw DataError("the reference '" + reference + "' holds no number behind '####'; give one, like '#### 18'");
  return *number;
}

}  // namespace temper::evaluators
