// HTML entities as characters: &eacute; &#233; &#xE9;, each with its semicolon. Entities within entities are one edit, so
// that nothing is left to do for a second pass.
#pragma once

#include <string_view>

#include "edits.h"

namespace temper::filters {

Edits entity_edits(std::string_view text);

}  // namespace temper::filters
