// One line from the person: with editing and a history that lasts between sessions on a terminal, plain lines elsewhere.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace temper {

class LineReader {
 public:
  /// `history` is read and appended to on a terminal; a folder that cannot be written only means no history.
  explicit LineReader(std::filesystem::path history);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  /// Nothing at the end of input. A line that ends in a backslash goes on with the next.
  std::optional<std::string> read(const std::string& prompt);
  bool on_terminal() const { return terminal_; }

 private:
  std::optional<std::string> read_one(const std::string& prompt);
  std::filesystem::path history_;
  bool terminal_;
};

/// Where chat keeps its history: under XDG_STATE_HOME, or ~/.local/state. Empty without a home.
std::filesystem::path chat_history_file();

}  // namespace temper
