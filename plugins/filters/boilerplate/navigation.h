// Lines of a web page that belong to the page and not to its text: menus, "Read more", "Share this", notices about cookies,
// copyright lines. A line has to be recognised as a whole; a sentence that only mentions such words stays.
#pragma once

#include <string_view>
#include <vector>

#include "lines.h"

namespace temper::filters {

/// Sets `gone` for lines of menus, buttons and notices.
void find_navigation(std::string_view text, const std::vector<LineSpan>& lines, std::vector<bool>& gone);
/// "© 2019 Example Ltd. All rights reserved."
void find_copyright_lines(std::string_view text, const std::vector<LineSpan>& lines, std::vector<bool>& gone);

}  // namespace temper::filters
