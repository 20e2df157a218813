// Text that grows token by token, printed as it becomes certain: a character that is still missing bytes and the beginning
// of a stop string are held back until the next token decides.
#pragma once

#include <string>
#include <vector>

namespace temper {

class StreamText {
 public:
  explicit StreamText(std::vector<std::string> stops) : stops_(std::move(stops)) {}
  /// What may be printed now, given all of the text so far. `last` releases what was held back.
  std::string next(const std::string& text, bool last);

 private:
  std::vector<std::string> stops_;
  std::size_t printed_ = 0;
};

}  // namespace temper
