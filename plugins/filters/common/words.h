// A text as comparable units: words or characters, folded so that spelling variants of one text are equal, each with its
// place in the text. Shared by the filters that compare documents; what a run of units means to them is theirs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "temper/error.h"

namespace temper::filters {

enum class Unit { kWord, kCharacter };

/// Hashes of the units in order, and where each stands.
struct Units {
  std::vector<std::uint64_t> hashes;
  std::vector<std::size_t> begins, ends;  ///< bytes of the text; empty unless places are asked for
};

/// NFKC, case fold, white space as one space and none at the ends (Unicode Standard Annex 15 and section 3.13). "" for a
/// blank text. Throws DataError for text that is not UTF-8.
std::string folded(std::string_view text);

/// Words are runs of letters, digits and marks; a character of a script that is written without spaces (Han, kana, Thai,
/// Lao, Khmer, Myanmar) is a word of its own. Characters are code points of folded() text, spaces included. `text` is folded
/// already, unless `places` are wanted: then words are found in the text as it is and folded one by one.
Units units_of(std::string_view folded_text, Unit unit);
/// units_of(folded(text), unit), for texts that are only read once.
Units units_of_raw(std::string_view text, Unit unit);
Units words_with_places(std::string_view text);

}  // namespace temper::filters
