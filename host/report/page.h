// The page around its parts: head, style sheet, contents. It needs nothing else: no network, no script, no font.
#pragma once

#include <string>
#include <vector>

namespace temper::report {

struct PagePart {
  std::string id, name;  ///< for the list of contents
  std::string markup;    ///< "": the part is left out
};
std::string page(const std::string& title, const std::vector<PagePart>& parts);

}  // namespace temper::report
