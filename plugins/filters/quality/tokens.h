// A text as tokens for the quality rules: words (runs of letters, digits, marks and inner apostrophes) and symbols (runs of
// one other visible character). Also lines.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace temper::quality {

struct Token {
  std::string_view text;
  std::size_t characters = 0;
  bool is_word = false, has_letter = false;
};
/// Adds the text's tokens. A blank ends a token, so lines may be cut one by one or all at once.
void append_tokens(std::string_view text, std::vector<Token>& tokens);

/// Pieces between line feeds, as they are.
std::vector<std::string_view> lines_of(std::string_view text);
/// Without blanks at the ends.
std::string_view trimmed_view(std::string_view text);
/// Whether most letters are Latin ones.
bool is_mostly_latin(std::string_view text);

}  // namespace temper::quality
