// Wrapping and padding by display width (see columns.h).
#include "host/chat/columns.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cwchar>

namespace temper {
namespace {

constexpr int kNarrowest = 24, kGap = 3;

struct Character {
  std::string bytes;
  int width;
};

/// UTF-8 characters with their display widths; broken bytes count one.
std::vector<Character> characters_of(const std::string& text) {
  std::vector<Character> all;
  std::mbstate_t state{};
  for (std::size_t at = 0; at < text.size();) {
    wchar_t wide = 0;
    const std::size_t used = std::mbrtowc(&wide, text.data() + at, text.size() - at, &state);
    const bool good = used != static_cast<std::size_t>(-1) && used != static_cast<std::size_t>(-2) && used > 0;
    if (!good) state = {};
    const std::size_t length = good ? used : 1;
    all.push_back({text.substr(at, length), good ? std::max(0, wcwidth(wide)) : 1});
    at += length;
  }
  return all;
}

int width_of(const std::string& text) {
  int width = 0;
  for (const auto& character : characters_of(text)) width += character.width;
  return width;
}

std::vector<std::string> wrap(const std::string& text, int width) {
  std::vector<std::string> lines(1);
  int used = 0;
  std::string word;
  int word_width = 0;
  const auto put_word = [&] {
    if (used > 0 && used + word_width > width) {
      lines.emplace_back();
      used = 0;
    }
    lines.back() += word;
    used += word_width;
    word.clear();
    word_width = 0;
  };
  for (const auto& character : characters_of(text)) {
    if (character.bytes == "\n") {
      put_word();
      lines.emplace_back();
      used = 0;
    } else if (character.bytes == " ") {
      put_word();
      if (used > 0 && used < width) {
        lines.back() += ' ';
        ++used;
      }
    } else {
      // A word longer than the line is broken.
      if (word_width + character.width > width) put_word();
      word += character.bytes;
      word_width += character.width;
    }
  }
  put_word();
  return lines;
}

}  // namespace

std::string side_by_side(const std::vector<Column>& columns, int width) {
  const int count = static_cast<int>(columns.size());
  const int each = count == 0 ? width : (width - kGap * (count - 1)) / count;
  std::string out;
  if (each < kNarrowest) {
    for (const auto& column : columns) {
      out += "[" + column.title + "]\n";
      for (const auto& line : wrap(column.text, width)) out += line + "\n";
    }
    return out;
  }
  std::vector<std::vector<std::string>> wrapped;
  std::size_t rows = 0;
  for (const auto& column : columns) {
    auto lines = wrap("[" + column.title + "]\n" + column.text, each);
    rows = std::max(rows, lines.size());
    wrapped.push_back(std::move(lines));
  }
  for (std::size_t row = 0; row < rows; ++row) {
    std::string line;
    for (std::size_t c = 0; c < wrapped.size(); ++c) {
      const std::string cell = row < wrapped[c].size() ? wrapped[c][row] : "";
      line += cell;
      if (c + 1 < wrapped.size()) line += std::string(static_cast<std::size_t>(each - width_of(cell) + kGap), ' ');
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    out += line + "\n";
  }
  return out;
}

int terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

}  // namespace temper
