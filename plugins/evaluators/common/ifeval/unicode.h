// Text primitives with the meaning they have in Python's str, because the published checker is defined by them: blank
// trimming, case, words. All take and give UTF-8. Called by every family of checks; regular expressions are in pattern.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace temper::instruction_following {

/// Code points of valid UTF-8; an invalid byte gives U+FFFD.
std::u32string decode(std::string_view text);
std::string encode(std::u32string_view text);
bool is_valid_utf8(std::string_view text);

bool is_space(char32_t c);
/// Letter, digit, other number or underscore. Combining marks are not word characters.
bool is_word(char32_t c);
bool is_upper(char32_t c);
bool is_lower(char32_t c);
bool is_title(char32_t c);

std::string strip(std::string_view text);
bool is_blank(std::string_view text);
std::string lower(std::string_view text);
/// Some character has case, and none has the other one.
bool all_upper(std::string_view text);
bool all_lower(std::string_view text);
/// Maximal runs of word characters.
std::vector<std::string> words(std::string_view text);

std::vector<std::string> split(const std::string& text, const std::string& separator);
std::string join(const std::vector<std::string>& parts, const std::string& separator);
std::string without(const std::string& text, char unwanted);
/// Cuts every `unwanted` from the front / from both ends.
std::string_view trim_front(std::string_view text, char unwanted);
std::string_view trim(std::string_view text, char unwanted);

}  // namespace temper::instruction_following
