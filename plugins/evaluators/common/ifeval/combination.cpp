// combination:*: the request repeated before the answer; two different answers.
#include "check.h"
#include "unicode.h"

namespace temper::instruction_following {
namespace {

Check repeat_prompt(const Arguments& arguments) {
  const std::string request = lower(strip(arguments.text("prompt_to_repeat")));
  return [request](const std::string& response) { return lower(strip(response)).starts_with(request); };
}

/// Two non-blank answers around a line of six asterisks; the divider may also stand at the very start or end.
Check two_responses(const Arguments&) {
  return [](const std::string& response) {
    const auto parts = split(response, "******");
    std::vector<std::string> answers;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::string answer = strip(parts[i]);
      if (!answer.empty()) {
        answers.push_back(answer);
      } else if (i != 0 && i + 1 != parts.size()) {
        return false;
      }
    }
    return answers.size() == 2 && answers[0] != answers[1];
  };
}

}  // namespace

std::vector<Kind> combination_kinds() {
  return {{"combination:repeat_prompt", repeat_prompt}, {"combination:two_responses", two_responses}};
}

}  // namespace temper::instruction_following
