// What may stand behind a Korean name in the same word: forms of address and particles. Used by term_list.cpp to find listed
// names in running text ("김철수씨에게는"), and by the filter `pii` to make up names that go with the particle behind them.
#pragma once

#include <string_view>

namespace temper::pii_filter {

/// Whether `rest` is nothing but forms of address ("씨", "님", "선생님") and up to three particles; "" is not.
bool is_particles(std::u32string_view rest);

inline bool is_hangul_syllable(char32_t c) { return c >= 0xAC00 && c <= 0xD7A3; }
inline bool has_final_consonant(char32_t syllable) { return (syllable - 0xAC00) % 28 != 0; }

}  // namespace temper::pii_filter
