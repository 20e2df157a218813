// libedit behind a small class (see line_reader.h).
#include "host/chat/line_reader.h"

#include <editline/readline.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <iostream>

#include "host/util/cancel.h"

namespace temper {
namespace fs = std::filesystem;

LineReader::LineReader(fs::path history)
    : history_(std::move(history)), terminal_(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
  if (!terminal_) return;
  // The editor moves by characters, not bytes; a C locale would break everything beyond ASCII.
  if (std::setlocale(LC_CTYPE, "") == nullptr || MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
  rl_initialize();
  using_history();
  stifle_history(1000);
  std::error_code ignored;
  if (!history_.empty()) fs::create_directories(history_.parent_path(), ignored);
  if (!history_.empty()) read_history(history_.c_str());
}

LineReader::~LineReader() {
  if (terminal_ && !history_.empty()) write_history(history_.c_str());
}

std::optional<std::string> LineReader::read_one(const std::string& prompt) {
  if (!terminal_) {
    std::string line;
    if (!std::getline(std::cin, line)) return std::nullopt;
    return line;
  }
  char* line = readline(prompt.c_str());
  if (line == nullptr) return std::nullopt;
  std::string text = line;
  std::free(line);
  if (!text.empty()) add_history(text.c_str());
  return text;
}

std::optional<std::string> LineReader::read(const std::string& prompt) {
  cancel_flag() = false;  // a Ctrl-C that came too late for the answer is not meant for the next line
  std::string all;
  for (auto part = read_one(prompt);; part = read_one("... ")) {
    // Ctrl-C at the prompt throws away the line, as shells do; the editor then gives none, as at the end of input.
    if (cancel_flag().exchange(false)) {
      std::cout << std::endl;
      return std::string();
    }
    if (!part) break;
    if (part->empty() || part->back() != '\\') return all + *part;
    part->back() = '\n';
    all += *part;
  }
  if (!all.empty()) return all;
  // Whatever comes next begins on a line of its own.
  if (terminal_) std::cout << std::endl;
  return std::nullopt;
}

fs::path chat_history_file() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != 0)
    return fs::path(state) / "temper/chat_history";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != 0)
    return fs::path(home) / ".local/state/temper/chat_history";
  return {};
}

}  // namespace temper
