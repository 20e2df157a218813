// White space: blanks at line ends, runs of spaces inside lines, runs of blank lines. Tabs inside a line are left alone, for
// they part columns, and so are blanks at a line's start if wanted, for they are a program's or a poem's layout.
#pragma once

#include <cstdint>
#include <string_view>

#include "edits.h"

namespace temper::filters {

struct SpaceRules {
  bool trim_lines = true, collapse = true, keep_indent = true;
  std::int64_t max_newlines = 2;  ///< in a row; 0 is any number
};

Edits space_edits(std::string_view text, const SpaceRules& rules);

}  // namespace temper::filters
