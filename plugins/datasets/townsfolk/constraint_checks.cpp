// Whether an answer keeps a constraint (see constraints.h), by IFEval's rules as far as the town's plain English needs them.
#include <algorithm>

#include "constraints.h"

namespace temper::townsfolk {
namespace {

bool is_word_char(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

std::vector<std::string> split(const std::string& text, const std::string& mark) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, begin)) {
    parts.push_back(text.substr(begin, at - begin));
    begin = at + mark.size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

std::string trim(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \n");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \n") - begin + 1);
}

/// Stretches between an opening and a closing character on one line.
std::size_t count_spans(const std::string& text, char open, char close) {
  std::size_t count = 0, begin = std::string::npos;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') begin = std::string::npos;
    if (text[i] == close && begin != std::string::npos && i > begin + 1) {
      ++count;
      begin = std::string::npos;
    } else if (text[i] == open) {
      begin = i;
    }
  }
  return count;
}

std::size_t count_sentences(const std::string& text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool ends = text[i] == '.' || text[i] == '!' || text[i] == '?';
    if (ends && (i + 1 == text.size() || text[i + 1] == ' ' || text[i + 1] == '\n' || text[i + 1] == '"')) ++count;
  }
  return count;
}

bool compare(std::size_t found, const std::string& relation, std::size_t wanted) {
  return relation == "at least" ? found >= wanted : found < wanted;
}

std::size_t count_bullets(const std::string& text) {
  const auto lines = split(text, "\n");
  return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
    const std::string bare = trim(line);
    return bare.starts_with("-") || (bare.starts_with("*") && !bare.starts_with("**"));
  }));
}

bool two_responses(const std::string& text) {
  const auto parts = split(text, "******");
  return parts.size() == 2 && !trim(parts[0]).empty() && !trim(parts[1]).empty() && trim(parts[0]) != trim(parts[1]);
}

std::size_t count_paragraphs(const std::string& text) {
  const auto parts = split(text, "***");
  return std::any_of(parts.begin(), parts.end(), [](const std::string& part) { return trim(part).empty(); }) ? 0
                                                                                                             : parts.size();
}

}  // namespace

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text + " ") {
    if (is_word_char(c)) {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  return words;
}

bool satisfies(const std::string& answer, const Constraint& constraint) {
  const std::string& id = constraint.id;
  const auto& kwargs = constraint.kwargs;
  const auto count = [&](const char* name) { return kwargs.at(name).get<std::size_t>(); };
  const auto text = [&](const char* name) { return kwargs.at(name).get<std::string>(); };
  const std::string small = lower(answer);
  if (trim(answer).empty()) return false;
  if (id == "change_case:english_lowercase") return answer == small && small != upper(small);
  if (id == "change_case:english_capital") return answer == upper(answer) && small != upper(small);
  if (id == "punctuation:no_comma") return answer.find(',') == std::string::npos;
  if (id == "length_constraints:number_words") return compare(words_of(answer).size(), text("relation"), count("num_words"));
  if (id == "length_constraints:number_sentences") {
    return compare(count_sentences(answer), text("relation"), count("num_sentences"));
  }
  if (id == "detectable_format:number_bullet_lists") return count_bullets(answer) == count("num_bullets");
  if (id == "keywords:existence") {
    const auto& wanted = kwargs.at("keywords");
    return std::all_of(wanted.begin(), wanted.end(), [&](const nlohmann::json& word) {
      return small.find(lower(word.get<std::string>())) != std::string::npos;
    });
  }
  if (id == "keywords:frequency") return compare(count_of(small, text("keyword")), text("relation"), count("frequency"));
  if (id == "keywords:forbidden_words") {
    const auto words = words_of(small);
    const auto& banned = kwargs.at("forbidden_words");
    return std::none_of(banned.begin(), banned.end(), [&](const nlohmann::json& word) {
      return std::find(words.begin(), words.end(), lower(word.get<std::string>())) != words.end();
    });
  }
  if (id == "startend:end_checker") return small.ends_with(lower(text("end_phrase")));
  if (id == "startend:quotation") return answer.size() > 1 && answer.front() == '"' && answer.back() == '"';
  if (id == "detectable_format:title")
    return count_of(answer, "<<") == 1 && answer.find(">>") > answer.find("<<") + 2 &&
           answer.find(">>") != std::string::npos;
  if (id == "detectable_format:number_highlighted_sections") return count_spans(answer, '*', '*') >= count("num_highlights");
  if (id == "detectable_format:json_format") return nlohmann::json::accept(answer);
  if (id == "detectable_content:number_placeholders") return count_spans(answer, '[', ']') >= count("num_placeholders");
  if (id == "detectable_content:postscript") return small.find(lower(text("postscript_marker"))) != std::string::npos;
  if (id == "combination:two_responses") return two_responses(answer);
  if (id == "length_constraints:number_paragraphs") return count_paragraphs(answer) == count("num_paragraphs");
  if (id == "detectable_format:constrained_response") {
    return answer.find("My answer is yes.") != std::string::npos || answer.find("My answer is no.") != std::string::npos ||
           answer.find("My answer is maybe.") != std::string::npos;
  }
  if (id == "combination:repeat_prompt") return small.starts_with(lower(text("prompt_to_repeat")));
  if (id == "keywords:letter_frequency") {
    return compare(count_of(small, text("letter")), text("let_relation"), count("let_frequency"));
  }
  if (id == "language:response_language") return text("language") == "en";
  if (id == "detectable_format:multiple_sections")
    return count_of(answer, text("section_spliter") + " ") >= count("num_sections");
  if (id == "change_case:capital_word_frequency") {
    const auto words = words_of(answer);
    const auto capital = std::count_if(words.begin(), words.end(),
                                       [](const std::string& word) { return word == upper(word) && word != lower(word); });
    return compare(static_cast<std::size_t>(capital), text("capital_relation"), count("capital_frequency"));
  }
  throw DataError("townsfolk has no check for the constraint '" + id + "'; add it to constraint_checks.cpp");
}

}  // namespace temper::townsfolk
