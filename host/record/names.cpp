// Escaping of names (see names.h).
#include "host/record/names.h"

#include <cstdio>

#include "host/record/hdf5.h"

namespace temper {

std::string to_link_name(const std::string& name) {
  if (name.empty()) return "%";
  const bool clean = h5::is_clean_text(name);
  const bool only_dots = name == "." || name == "..";
  std::string link;
  for (const char character : name) {
    const auto byte = static_cast<unsigned char>(character);
    const bool plain = byte >= 0x20 && byte != '/' && byte != '%' && byte != 0x7f && (clean || byte < 0x80);
    if (plain && !only_dots) {
      link += character;
    } else {
      char escaped[4];
      std::snprintf(escaped, sizeof escaped, "%%%02X", byte);
      link += escaped;
    }
  }
  return link;
}

std::string from_link_name(const std::string& link) {
  std::string name;
  for (std::size_t i = 0; i < link.size(); ++i) {
    if (link[i] == '%' && i + 2 < link.size()) {
      name += static_cast<char>(std::stoi(link.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else if (link[i] != '%') {
      name += link[i];
    }
  }
  return name;
}

}  // namespace temper
