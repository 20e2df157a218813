// Cutting and comparing lines (see lines.h).
#include "lines.h"

#include <algorithm>
#include <string>

namespace temper::filters {

std::vector<LineSpan> lines_of(std::string_view text) {
  std::vector<LineSpan> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t newline = std::min(text.find('\n', begin), text.size());
    const std::size_t end = newline > begin && newline < text.size() && text[newline - 1] == '\r' ? newline - 1 : newline;
    const std::size_t next = std::min(newline + 1, text.size());
    lines.push_back({begin, end, next});
    begin = next;
  }
  return lines;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string lowered(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

}  // namespace temper::filters
