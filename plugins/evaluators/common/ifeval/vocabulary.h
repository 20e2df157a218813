// Our own word lists: abbreviations and ordinary English words (for sentence ends), and the frequent words of every
// language that detection knows. Data only; sentences.cpp and language.cpp decide what to make of them.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace temper::instruction_following {

/// English abbreviations that end in a full stop, in lower case, without it.
const std::unordered_set<std::string>& abbreviations();
/// English words that are written in lower case unless they start a sentence; the first are part of the second.
const std::unordered_set<std::string>& function_words();
const std::unordered_set<std::string>& ordinary_words();
std::string_view english_function_words();
std::string_view english_content_words();

struct LanguageWords {
  std::string_view code;          ///< ISO 639-1
  std::string_view words;         ///< frequent words, in lower case, separated by spaces
  std::string_view letters;       ///< letters that set the language apart within its script
  std::string_view endings = "";  ///< ends of words that are typical of it, separated by spaces
  std::string_view more = "";     ///< further words; they count half
};
/// Languages that share the Latin, Cyrillic, Arabic and Devanagari scripts.
const std::vector<LanguageWords>& latin_languages();
const std::vector<LanguageWords>& cyrillic_languages();
const std::vector<LanguageWords>& arabic_languages();
const std::vector<LanguageWords>& devanagari_languages();

}  // namespace temper::instruction_following
