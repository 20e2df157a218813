// Judging generated answers (see answers.h).
#include "answers.h"

#include <algorithm>

#include "numbers.h"
#include "pattern.h"
#include "text_match.h"

namespace temper::in_context {
namespace {

using instruction_following::Pattern;

std::string normalised(std::string text, const std::vector<std::string>& how) {
  const auto asked = [&](const char* name) { return std::find(how.begin(), how.end(), name) != how.end(); };
  static const Pattern punctuation(R"([\p{P}\p{S}])"), articles(R"((?i)\b(a|an|the)\b)"), spaces(R"(\s+)"),
      ends(R"(\A\s+|\s+\z)");
  if (asked("case")) text = evaluators::plain(text);
  if (asked("punctuation")) text = punctuation.replace(text, "");
  if (asked("articles")) text = articles.replace(text, " ");
  if (asked("articles") || asked("spaces")) text = spaces.replace(text, " ");
  return ends.replace(text, "");
}

}  // namespace

Verdict judge(const std::string& answer, const std::vector<std::string>& gold, const Task& task) {
  Verdict verdict{answer, false};
  if (!task.extract.empty()) {
    const auto found = Pattern(task.extract).matches(answer);
    if (found.empty()) return {"", false};
    verdict.extracted = task.extract_first ? found.front() : found.back();
  }
  if (task.numeric) {
    const auto number = evaluators::last_number(verdict.extracted);
    for (const auto& one : gold) {
      const std::string right = evaluators::reference_number(one);
      verdict.right |= number && *number == right;
    }
    verdict.extracted = number.value_or("");
    return verdict;
  }
  verdict.extracted = normalised(verdict.extracted, task.normalise);
  verdict.right = std::any_of(gold.begin(), gold.end(),
                              [&](const std::string& one) { return normalised(one, task.normalise) == verdict.extracted; });
  return verdict;
}

}  // namespace temper::in_context
