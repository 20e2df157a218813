// Marker lines of Project Gutenberg (see gutenberg.h). They are ASCII, so upper-casing bytes is enough to compare them.
#include "gutenberg.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "line_reader.h"

namespace temper::dataset_text {
namespace {

/// Upper case, runs of spaces and asterisks reduced to one space, none at the ends.
std::string normalised(std::string_view line) {
  std::string text;
  for (const char c : line) {
    if (c == ' ' || c == '\t' || c == '*') {
      if (!text.empty() && text.back() != ' ') text += ' ';
    } else {
      text += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

bool begins(const std::string& text, std::initializer_list<std::string_view> starts) {
  return std::any_of(starts.begin(), starts.end(), [&](std::string_view start) { return text.starts_with(start); });
}

bool starts_book(const std::string& text) {
  // The second is the end of the licence that files of the 1990s carry at their top.
  return begins(text, {"START OF THE PROJECT GUTENBERG", "START OF THIS PROJECT GUTENBERG", "END THE SMALL PRINT"});
}

bool ends_book(const std::string& text) {
  return begins(text, {"END OF THE PROJECT GUTENBERG", "END OF THIS PROJECT GUTENBERG", "END OF PROJECT GUTENBERG"});
}

/// Whether what starts_book() and ends_book() look for can be here, by its first letter: nearly every line is none.
bool may_be_marker(std::string_view line) {
  const std::size_t at = line.find_first_not_of(" \t*");
  // A marker line is short.
  if (at == std::string_view::npos || line.size() > 200) return false;
  return line[at] == 'S' || line[at] == 's' || line[at] == 'E' || line[at] == 'e';
}

bool is_credit(const std::string& text) {
  return begins(text, {"PRODUCED BY ", "E-TEXT PREPARED BY ", "THIS ETEXT WAS PREPARED BY ", "TRANSCRIBED FROM THE ",
                       "THIS ETEXT WAS PRODUCED BY "});
}

}  // namespace

std::vector<LineRange> book_lines(const std::filesystem::path& path, std::int64_t max_line_mb) {
  dataset_io::LineReader reader(path, max_line_mb);
  dataset_io::Line line;
  std::vector<LineRange> ranges;
  bool open = true;        // before the first marker everything may be the book
  bool any_start = false;  // a START makes what came before it a licence
  std::int64_t first = 1;  // of the open stretch
  bool text_seen = false;  // in the open stretch, behind credits
  bool in_credits = false;
  while (reader.next(line)) {
    const bool before_text = open && any_start && !text_seen;
    if (!before_text && !may_be_marker(line.text)) continue;
    const std::string text = line.text.size() > 200 ? "-" : normalised(line.text);
    if (starts_book(text)) {
      if (!any_start) ranges.clear();
      any_start = open = true;
      first = line.number + 1;
      text_seen = false;
      in_credits = false;
    } else if (ends_book(text)) {
      if (open && line.number > first) ranges.push_back({first, line.number - 1});
      open = false;
    } else if (before_text) {
      // Credits are a paragraph of their own right behind the START line.
      if (is_credit(text)) in_credits = true;
      const bool blank = text.empty();
      if (blank) in_credits = false;
      if (blank || in_credits) {
        first = line.number + 1;
      } else {
        text_seen = true;
      }
    }
  }
  if (open) ranges.push_back({first, INT64_MAX});
  return ranges;
}

}  // namespace temper::dataset_text
