// punctuation:*: no comma anywhere.
#include "check.h"

namespace temper::instruction_following {
namespace {

Check no_comma(const Arguments&) {
  return [](const std::string& response) { return response.find(',') == std::string::npos; };
}

}  // namespace

std::vector<Kind> punctuation_kinds() { return {{"punctuation:no_comma", no_comma}}; }

}  // namespace temper::instruction_following
