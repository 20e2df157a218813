// Which language a text is in: by script where a script belongs to one language, else by frequent words and by letters.
// Deterministic. Knows the 55 languages of the published checker's detector, under its codes (zh-cn, zh-tw included).
#pragma once

#include <string>
#include <vector>

namespace temper::instruction_following {

enum class Detection { kNoText, kUndecided, kFound };

struct Language {
  Detection detection = Detection::kNoText;
  std::string code;  ///< set when found
};

/// kNoText: there is no letter to go by. kUndecided: letters, but of no known language or too few to tell.
Language detect_language(const std::string& text);
/// All codes that detect_language can give, sorted.
const std::vector<std::string>& known_languages();

}  // namespace temper::instruction_following
