// detectable_format:*: bullets, fixed answers, JSON, sections, highlights, titles.
#include "check.h"
#include "pattern.h"
#include "unicode.h"

namespace temper::instruction_following {
namespace {

Check constrained_response(const Arguments&) {
  return [](const std::string& response) {
    for (const char* option : {"My answer is yes.", "My answer is no.", "My answer is maybe."}) {
      if (response.find(option) != std::string::npos) return true;
    }
    return false;
  };
}

bool cut_front(std::string& text, const std::string& prefix) {
  if (!text.starts_with(prefix)) return false;
  text.erase(0, prefix.size());
  return true;
}

/// The whole answer is one JSON value, with or without a code fence around it.
Check json_format(const Arguments&) {
  return [](const std::string& response) {
    std::string text = strip(response);
    for (const char* fence : {"```json", "```Json", "```JSON", "```"}) cut_front(text, fence);
    if (text.ends_with("```")) text.erase(text.size() - 3);
    text = strip(text);
    if (text.starts_with("\xEF\xBB\xBF")) return false;  // the library skips a byte order mark, JSON has none
    return nlohmann::json::accept(text);
  };
}

Check multiple_sections(const Arguments& arguments) {
  const auto wanted = static_cast<std::size_t>(arguments.count("num_sections"));
  const Pattern heading =
      Pattern::of_keyword(strip(arguments.text("section_spliter")), "\\s?", "\\s?\\d+\\s?", Case::kExact);
  return [wanted, heading](const std::string& response) { return heading.count(response) >= wanted; };
}

/// In the published sense a line that starts with '*' (one only) or with '-'. In Markdown the marker stands before white
/// space, and a line of nothing but markers is a rule.
Check bullet_lists(const Arguments& arguments) {
  const auto wanted = static_cast<std::size_t>(arguments.count("num_bullets"));
  if (arguments.options().markdown_bullets) {
    const Pattern bullet("^[ \\t]*(?!(?:(?:\\*[ \\t]*){3,}|(?:-[ \\t]*){3,})$)[-*+][ \\t]+\\S");
    return [wanted, bullet](const std::string& response) { return bullet.count(response) == wanted; };
  }
  const Pattern star("^\\s*\\*[^*].*$"), dash("^\\s*-.*$");
  return [wanted, star, dash](const std::string& response) { return star.count(response) + dash.count(response) == wanted; };
}

/// *so* counts once and **so** once as well, although the single pattern sees only its empty halves.
Check highlights(const Arguments& arguments) {
  const auto wanted = static_cast<std::size_t>(arguments.count("num_highlights"));
  const Pattern once("\\*[^\\n*]*\\*"), twice("\\*\\*[^\\n*]*\\*\\*");
  return [wanted, once, twice](const std::string& response) {
    std::size_t found = 0;
    for (const Pattern* pattern : {&once, &twice}) {
      for (const auto& match : pattern->matches(response)) found += is_blank(trim(match, '*')) ? 0 : 1;
    }
    return found >= wanted;
  };
}

Check title(const Arguments&) {
  const Pattern bracketed("<<[^\\n]+>>");
  return [bracketed](const std::string& response) {
    for (const auto& match : bracketed.matches(response)) {
      std::string_view inner = trim_front(match, '<');
      while (!inner.empty() && inner.back() == '>') inner.remove_suffix(1);
      if (!is_blank(inner)) return true;
    }
    return false;
  };
}

}  // namespace

std::vector<Kind> format_kinds() {
  return {{"detectable_format:constrained_response", constrained_response},
          {"detectable_format:json_format", json_format},
          {"detectable_format:multiple_sections", multiple_sections},
          {"detectable_format:number_bullet_lists", bullet_lists},
          {"detectable_format:number_highlighted_sections", highlights},
          {"detectable_format:title", title}};
}

}  // namespace temper::instruction_following
