// Single characters that do not belong into a text as they are: control and zero-width characters, line ends other than \n,
// spaces other than the plain one, curly quotes. One walk over the text; only bytes that may begin such a character are
// looked at closely.
#pragma once

#include <string_view>

#include "edits.h"

namespace temper::filters {

struct CharacterRules {
  bool control = true, line_ends = true, spaces = true, quotes = false;
};

/// True for text without anything but printing ASCII, tab and newline, without two spaces in a row and without a space or
/// tab at a line's end: by far the most frequent text, and nothing in it could be changed but runs of newlines.
bool is_plain(std::string_view text);

Edits character_edits(std::string_view text, const CharacterRules& rules);

}  // namespace temper::filters
