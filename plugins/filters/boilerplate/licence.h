// Licences: comment blocks at the head of source files, the sentences that open-source licences share, and the headers and
// footers of Project Gutenberg's books. Works on lines; a line is a part of a licence or it is not.
#pragma once

#include <string_view>
#include <vector>

#include "lines.h"

namespace temper::filters {

/// Sets `gone` for lines of licences in source code and of licences as plain text.
void find_code_licences(std::string_view text, const std::vector<LineSpan>& lines, std::vector<bool>& gone);
/// Sets `gone` for what stands before a book's START line and behind its END line, and for the lines themselves.
void find_gutenberg_parts(std::string_view text, const std::vector<LineSpan>& lines, std::vector<bool>& gone);

}  // namespace temper::filters
