// language:*: the language of the whole response.
#include <algorithm>

#include "check.h"
#include "language_detection.h"
#include "unicode.h"

namespace temper::instruction_following {
namespace {

/// A response without a letter counts as followed, as in the published checker: nothing in it is in a wrong language.
Check response_language(const Arguments& arguments) {
  const std::string wanted = arguments.text("language");
  const auto& known = known_languages();
  if (wanted != "zh" && !std::binary_search(known.begin(), known.end(), wanted)) {
    arguments.fail("language", "is '" + wanted + "', must be one of zh, " + join(known, ", "));
  }
  return [wanted](const std::string& response) {
    const Language language = detect_language(response);
    if (language.detection == Detection::kNoText) return true;
    return language.code == wanted || (wanted == "zh" && language.code.starts_with("zh-"));
  };
}

}  // namespace

std::vector<Kind> language_kinds() { return {{"language:response_language", response_language}}; }

}  // namespace temper::instruction_following
