// detectable_content:*: placeholders in square brackets; a postscript.
#include "check.h"
#include "pattern.h"
#include "unicode.h"

namespace temper::instruction_following {
namespace {

Check placeholders(const Arguments& arguments) {
  const auto wanted = static_cast<std::size_t>(arguments.count("num_placeholders"));
  const Pattern bracketed("\\[.*?\\]");
  return [wanted, bracketed](const std::string& response) { return bracketed.count(response) >= wanted; };
}

Check postscript(const Arguments& arguments) {
  const std::string marker = strip(arguments.text("postscript_marker"));
  // The two usual markers may be written with a blank between the letters.
  const Pattern start = marker == "P.S."    ? Pattern("p\\.\\s?s\\.")
                        : marker == "P.P.S" ? Pattern("p\\.\\s?p\\.\\s?s")
                                            : Pattern::of_keyword(lower(marker));
  return [start](const std::string& response) { return start.found_in(lower(response)); };
}

}  // namespace

std::vector<Kind> content_kinds() {
  return {{"detectable_content:number_placeholders", placeholders}, {"detectable_content:postscript", postscript}};
}

}  // namespace temper::instruction_following
