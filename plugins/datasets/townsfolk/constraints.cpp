// Kinds, random arguments and wordings (see constraints.h); the checks are in constraint_checks.cpp.
#include "constraints.h"

#include <algorithm>
#include <set>

#include "sentences.h"

namespace temper::townsfolk {
namespace {

std::string quoted(const std::string& word) { return "\"" + word + "\""; }
std::string number(std::uint64_t value) { return std::to_string(value); }

/// The last word of a fact: "Street" would be a poor thing to forbid, so streets give their first.
std::string fact_word(const Person& person, std::size_t attribute) {
  const std::string& value = person.facts[attribute];
  return value.substr(0, value.find(' '));
}

Constraint of_length(std::string_view kind, Rng& rng) {
  const bool sentences = kind.starts_with("length_constraints:number_sentences");
  const bool least = kind.ends_with("at_least");
  const std::string relation = least ? "at least" : "less than";
  Constraint made;
  made.id = sentences ? "length_constraints:number_sentences" : "length_constraints:number_words";
  std::uint64_t count = 0;
  if (sentences) {
    count = least ? 2 + rng.below(3) : 2 + rng.below(2);
    made.kwargs = {{"relation", relation}, {"num_sentences", count}};
  } else {
    count = least ? 15 + 5 * rng.below(3) : 8 + 2 * rng.below(3);
    made.kwargs = {{"relation", relation}, {"num_words", count}};
  }
  const std::string unit = sentences ? " sentences." : " words.";
  const std::string opening = pick({"Use ", "Answer with ", "Your answer should have "}, rng);
  const std::string bound = least ? "at least " : pick({"less than ", "fewer than "}, rng);
  made.wording = opening + bound + number(count) + unit;
  return made;
}

Constraint of_keywords(std::string_view kind, const Person& person, const std::vector<std::size_t>& facts, Rng& rng) {
  Constraint made;
  made.id = std::string(kind);
  if (kind == "keywords:forbidden_words") {
    // A word that the answer would hold if nobody asked for it to be left out; an age is no word.
    std::size_t fact = 0;
    while (kAttributes[fact] == "age") fact = facts[rng.below(facts.size())];
    const std::string word = fact_word(person, fact);
    made.kwargs = {{"forbidden_words", {word}}};
    made.wording = pick({"Do not use the word ", "Leave out the word ", "Do not say the word "}, rng) + quoted(word) + ".";
    return made;
  }
  const std::string word = keywords()[rng.below(keywords().size())].word;
  if (kind == "keywords:frequency") {
    const std::uint64_t count = 2 + rng.below(2);
    made.kwargs = {{"relation", "at least"}, {"keyword", word}, {"frequency", count}};
    made.wording = pick({"Use the word ", "Say the word "}, rng) + quoted(word) + " at least " + number(count) + " times.";
    return made;
  }
  made.kwargs = {{"keywords", {word}}};
  made.wording = pick({"Use the word ", "Include the word ", "Your answer should have the word "}, rng) + quoted(word) + ".";
  return made;
}

Constraint of_count(std::string_view kind, Rng& rng) {
  Constraint made;
  made.id = std::string(kind);
  const std::uint64_t count = 2 + rng.below(3), few = 2 + rng.below(2);
  if (kind == "detectable_format:number_bullet_lists") {
    made.kwargs = {{"num_bullets", count}};
    made.wording = pick({"Use exactly ", "Answer with exactly ", "Write exactly "}, rng) + number(count) +
                   " bullet points such as * This is a point.";
  } else if (kind == "detectable_format:number_highlighted_sections") {
    made.kwargs = {{"num_highlights", few}};
    made.wording =
        pick({"Highlight at least ", "Mark at least "}, rng) + number(few) + " parts with stars such as *this part*.";
  } else if (kind == "detectable_content:number_placeholders") {
    made.kwargs = {{"num_placeholders", few}};
    made.wording = pick({"Use at least ", "Include at least "}, rng) + number(few) +
                   " placeholders in square brackets such as [address].";
  } else if (kind == "length_constraints:number_paragraphs") {
    made.kwargs = {{"num_paragraphs", few}};
    made.wording = pick({"Write exactly ", "Answer in exactly "}, rng) + number(few) + " paragraphs with *** between them.";
  } else if (kind == "detectable_format:multiple_sections") {
    made.kwargs = {{"section_spliter", "Section"}, {"num_sections", few}};
    made.wording = pick({"Write ", "Answer in "}, rng) + number(few) + " sections. Begin each one with Section X.";
  } else if (kind == "change_case:capital_word_frequency") {
    made.kwargs = {{"capital_relation", "at least"}, {"capital_frequency", few}};
    made.wording = pick({"Use at least ", "Write at least "}, rng) + number(few) + " words in all capital letters.";
  } else {
    const std::string letter = pick({"a", "e", "i", "o", "s", "t"}, rng);
    made.kwargs = {{"let_relation", "at least"}, {"letter", letter}, {"let_frequency", count}};
    made.wording = "The letter " + letter + " should appear at least " + number(count) + " times.";
  }
  return made;
}

Constraint of_form(std::string_view kind, const std::string& request, Rng& rng) {
  Constraint made;
  made.id = std::string(kind);
  if (kind == "change_case:english_lowercase") {
    made.wording =
        pick({"Use only lowercase letters.", "Write everything in lowercase.", "No capital letters are allowed."}, rng);
  } else if (kind == "change_case:english_capital") {
    made.wording = pick(
        {"Use only capital letters.", "Write everything in capital letters.", "No lowercase letters are allowed."}, rng);
  } else if (kind == "punctuation:no_comma") {
    made.wording = pick({"Do not use any commas.", "Write without commas.", "No commas are allowed."}, rng);
  } else if (kind == "startend:end_checker") {
    const std::string phrase =
        pick({"That is all.", "Have a good day.", "I hope this helps.", "Thank you for asking."}, rng);
    made.kwargs = {{"end_phrase", phrase}};
    made.wording = pick({"End your answer with the words ", "The last words should be ", "Finish with the words "}, rng) +
                   quoted(phrase);
  } else if (kind == "startend:quotation") {
    made.wording =
        pick({"Put your whole answer in double quotation marks.", "Wrap the answer in double quotation marks."}, rng);
  } else if (kind == "detectable_format:title") {
    made.wording =
        pick({"Give your answer a title in double angular brackets such as <<title>>.",
              "Begin with a title such as <<title>>.", "Add a title in double angular brackets such as <<title>>."},
             rng);
  } else if (kind == "detectable_format:json_format") {
    made.wording = pick({"Answer in JSON format.", "Write the whole answer as JSON.", "Use JSON format only."}, rng);
  } else if (kind == "detectable_content:postscript") {
    made.kwargs = {{"postscript_marker", "P.S."}};
    made.wording = pick({"At the end add a postscript that starts with P.S.", "Add a postscript starting with P.S."}, rng);
  } else if (kind == "combination:two_responses") {
    made.wording = pick(
        {"Give two different answers with ****** between them.", "Write two different answers separated by ******."}, rng);
  } else if (kind == "detectable_format:constrained_response") {
    made.wording = pick({"Answer with one of these: ", "Choose one of these answers: "}, rng) +
                   "\"My answer is yes.\" \"My answer is no.\" \"My answer is maybe.\"";
  } else if (kind == "language:response_language") {
    made.kwargs = {{"language", "en"}};
    made.wording = pick({"Answer in English.", "Use only English words."}, rng);
  } else {
    made.kwargs = {{"prompt_to_repeat", request}};
    made.wording = pick({"First repeat the request above word for word and then give your answer.",
                         "First repeat the request above without change and then answer it."},
                        rng);
  }
  return made;
}

}  // namespace

const std::vector<std::string_view>& constraint_kinds() {
  static const std::vector<std::string_view> kinds = {"change_case:english_lowercase",
                                                      "change_case:english_capital",
                                                      "punctuation:no_comma",
                                                      "length_constraints:number_words at_least",
                                                      "length_constraints:number_words less_than",
                                                      "length_constraints:number_sentences at_least",
                                                      "length_constraints:number_sentences less_than",
                                                      "detectable_format:number_bullet_lists",
                                                      "keywords:existence",
                                                      "keywords:frequency",
                                                      "keywords:forbidden_words",
                                                      "startend:end_checker",
                                                      "startend:quotation",
                                                      "detectable_format:title",
                                                      "detectable_format:number_highlighted_sections",
                                                      "detectable_format:json_format",
                                                      "detectable_content:number_placeholders",
                                                      "detectable_content:postscript",
                                                      "combination:two_responses",
                                                      "length_constraints:number_paragraphs",
                                                      "detectable_format:constrained_response",
                                                      "combination:repeat_prompt",
                                                      "keywords:letter_frequency",
                                                      "language:response_language",
                                                      "detectable_format:multiple_sections",
                                                      "change_case:capital_word_frequency"};
  return kinds;
}

Constraint make_constraint(std::string_view kind, const Person& person, const std::vector<std::size_t>& facts,
                           const std::string& request, Rng& rng) {
  static const std::set<std::string_view> counted = {"detectable_format:number_bullet_lists",
                                                     "detectable_format:number_highlighted_sections",
                                                     "detectable_content:number_placeholders",
                                                     "length_constraints:number_paragraphs",
                                                     "detectable_format:multiple_sections",
                                                     "change_case:capital_word_frequency",
                                                     "keywords:letter_frequency"};
  if (kind.starts_with("length_constraints:number_words") || kind.starts_with("length_constraints:number_sentences")) {
    return of_length(kind, rng);
  }
  if (counted.contains(kind)) return of_count(kind, rng);
  if (kind.starts_with("keywords:")) return of_keywords(kind, person, facts, rng);
  return of_form(kind, request, rng);
}

bool compatible(std::string_view first, std::string_view second) {
  // The second one is always a wrapper, which leaves the shape that the first one gives to the answer as it is.
  static const std::set<std::string_view> wrappers = {
      "change_case:english_lowercase", "change_case:english_capital",   "punctuation:no_comma", "startend:quotation",
      "detectable_format:title",       "detectable_content:postscript", "keywords:existence",   "startend:end_checker"};
  static const std::set<std::string_view> alone = {"detectable_format:constrained_response", "combination:repeat_prompt",
                                                   "detectable_format:json_format", "language:response_language",
                                                   "detectable_format:multiple_sections"};
  if (first == second || !wrappers.contains(second) || alone.contains(first)) return false;
  const auto clash = [&](std::string_view a, std::string_view b) {
    return (first.starts_with(a) && second.starts_with(b)) || (first.starts_with(b) && second.starts_with(a));
  };
  return !clash("change_case:", "change_case:") && !clash("startend:", "startend:") &&
         !clash("startend:end_checker", "detectable_content:postscript") &&
         !clash("length_constraints:number_sentences", "change_case:") &&
         !clash("length_constraints:number_sentences", "detectable_content:postscript") &&
         !clash("length_constraints:number_sentences", "detectable_format:title") &&
         !clash("length_constraints:number_words less_than", "keywords:") &&
         !clash("length_constraints:number_words less_than", "detectable_content:postscript");
}

}  // namespace temper::townsfolk
