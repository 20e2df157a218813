// startend:*: a phrase at the end; quotation marks around everything.
#include "check.h"
#include "unicode.h"

namespace temper::instruction_following {
namespace {

Check end_checker(const Arguments& arguments) {
  const std::string phrase = lower(strip(arguments.text("end_phrase")));
  return [phrase](const std::string& response) {
    const std::string text = strip(response);
    return lower(trim(text, '"')).ends_with(phrase);
  };
}

Check quotation(const Arguments&) {
  return [](const std::string& response) {
    const std::string text = strip(response);
    return text.size() > 1 && text.front() == '"' && text.back() == '"';
  };
}

}  // namespace

std::vector<Kind> start_end_kinds() { return {{"startend:end_checker", end_checker}, {"startend:quotation", quotation}}; }

}  // namespace temper::instruction_following
