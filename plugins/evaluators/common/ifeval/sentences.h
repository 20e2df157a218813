// Counts sentences the way the published checker does: Punkt (Kiss and Strunk, 2006) for English. The procedure is theirs;
// its knowledge of abbreviations and ordinary words is a list of our own instead of a trained model.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace temper::instruction_following {

/// The sentences, trimmed. A blank text has none.
std::vector<std::string> sentences(std::string_view text);
std::size_t count_sentences(std::string_view text);

}  // namespace temper::instruction_following
