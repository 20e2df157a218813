// How odd a sequence of characters is in right text, and how likely the character is that it would become: the two weights
// that decide about a repair (see mojibake.h). One point is worth about a factor of ten; the numbers were set by hand on
// published cases of mojibake and on right text in hundreds of languages.
#pragma once

#include <array>
#include <cstddef>

namespace temper::filters {

/// Characters that are one UTF-8 sequence in some code page, with what stands around them (a space at the text's ends).
struct Sequence {
  static constexpr std::size_t kLongest = 6;
  std::array<char32_t, kLongest> characters{};
  std::array<unsigned char, kLongest> bytes{};
  std::size_t size = 0;
  char32_t before = ' ', after = ' ';  ///< of another sequence what it would become
  bool in_company = false;             ///< another sequence stands right beside it
};

double oddness(const Sequence& sequence);
/// `company`: how many sequences of the line become characters of the same kind (see kind_of), this one included.
double likeliness(char32_t decoded, std::size_t company);
/// Kinds of characters that are likely beside each other: scripts, and everything that goes with any of them as kind 0.
int kind_of(char32_t c);
/// Assigned, and no private or control character.
bool is_possible(char32_t c);
/// Quotes, dashes and their like, that may well be right beside mojibake.
bool is_neutral(char32_t c);

}  // namespace temper::filters
