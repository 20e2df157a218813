// Lines of a text by byte offsets, for filters whose rules are about lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace temper::filters {

struct LineSpan {
  std::size_t begin = 0, end = 0;  ///< without the line's end and a carriage return before it
  std::size_t next = 0;            ///< where the next line begins, or the text's end
};

/// Every line. A text that ends with a newline has no empty line behind it; an empty text has no line.
std::vector<LineSpan> lines_of(std::string_view text);
/// Without spaces and tabs at both ends.
std::string_view trimmed(std::string_view text);
/// ASCII letters in lower case, everything else as it is: offsets stay.
std::string lowered(std::string_view text);

}  // namespace temper::filters
