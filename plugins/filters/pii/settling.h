// Edits that leave nothing to be found. Replacing a find can bring another one about, because what stood beside it stands
// beside something else now; filters promise that a second pass changes nothing. Used by pii_filter.cpp.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "temper/filter.h"

namespace temper::pii_filter {

/// `find` gives what is still found in an edited text, each with the replacement that masks it. Such finds are added to
/// `spans` (all of which replace), as one with the replacements that they touch, until there are none.
void settle(const std::string& text, std::vector<FilterSpan>& spans,
            const std::function<std::vector<FilterSpan>(const std::string&)>& find);

}  // namespace temper::pii_filter
