// The number that an answer ends with, in one spelling: what exact-answer tasks (GSM8K and its like) compare.
#pragma once

#include <optional>
#include <string>

namespace temper::evaluators {

/// The last number of `text` without currency signs, thousands separators and needless zeros: "$1,234.50." is "1234.5".
/// Exact, digit by digit: no rounding to a double.
std::optional<std::string> last_number(const std::string& text);

/// The number of a reference: what stands behind the last "####", or the whole text. Throws DataError if there is none.
std::string reference_number(const std::string& reference);

}  // namespace temper::evaluators
