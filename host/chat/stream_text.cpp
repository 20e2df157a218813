// Holding back what is not certain (see stream_text.h).
#include "host/chat/stream_text.h"

#include <algorithm>
#include <string_view>

namespace temper {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// How much of the text's end could be the beginning of a stop string.
std::size_t possible_stop(std::string_view text, const std::vector<std::string>& stops) {
  std::size_t held = 0;
  for (const auto& stop : stops) {
    for (std::size_t length = std::min(text.size(), stop.size()); length > held; --length) {
      if (text.substr(text.size() - length) == std::string_view(stop).substr(0, length)) held = length;
    }
  }
  return held;
}

}  // namespace

std::string StreamText::next(const std::string& text, bool last) {
  std::string_view certain = text;
  if (!last) {
    while (certain.ends_with(kReplacement)) certain.remove_suffix(kReplacement.size());
    certain.remove_suffix(possible_stop(certain, stops_));
  }
  // A stop string that came true takes back what was never printed.
  if (certain.size() <= printed_) return "";
  std::string part(certain.substr(printed_));
  printed_ = certain.size();
  return part;
}

}  // namespace temper
