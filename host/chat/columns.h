// Several texts side by side, wrapped at words, for a terminal of a given width. Wide characters (Korean, emoji) count two.
#pragma once

#include <string>
#include <vector>

namespace temper {

struct Column {
  std::string title, text;
};

/// One below the other where a column would be narrower than 24 characters.
std::string side_by_side(const std::vector<Column>& columns, int width);
/// Of the terminal; 80 if there is none.
int terminal_width();

}  // namespace temper
