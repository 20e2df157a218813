// Texts in parts.
#pragma once

#include <string>
#include <vector>

namespace temper {

/// What stands between the separators; one part more than there are separators, empty ones too.
inline std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

/// For errors of libraries, which may go on for pages.
inline std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace temper
