// A text as words, numbers and marks, with what claims are made of: case, values, places of sentences. Used by claims.cpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace temper::hallucination {

struct Token {
  std::string text;   ///< as written, marks plain, without a possessive 's
  std::string lower;  ///< the same in lower case
  bool word = false;  ///< letters; else a number or a mark
  bool capital = false;
  bool starts_sentence = false;
  bool starts_line = false;
  bool spaced = false;                ///< white space or the text's beginning is before it
  std::optional<std::string> number;  ///< its value in one spelling: "1,234.50" is "1234.5", "third" is "3"
};

std::vector<Token> tokens_of(const std::string& text);

}  // namespace temper::hallucination
