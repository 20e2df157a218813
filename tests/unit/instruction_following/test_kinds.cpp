// Every one of the 25 kinds, with responses that follow it and responses that do not.
#include <set>

#include "support.h"

using namespace temper::instruction_following;

namespace {

struct Case {
  const char* id;
  const char* kwargs;
  const char* response;
  bool followed;
};

const Case kCases[] = {
    {"change_case:capital_word_frequency", R"({"capital_frequency": 2, "capital_relation": "at least"})",
     "NASA and the FBI met.", true},
    {"change_case:capital_word_frequency", R"({"capital_frequency": 2, "capital_relation": "at least"})", "NASA met nobody.",
     false},
    {"change_case:capital_word_frequency", R"({"capital_frequency": 3, "capital_relation": "less than"})", "I DON'T",
     false},  // I, DO, N'T
    {"change_case:capital_word_frequency", R"({"capital_frequency": 2, "capital_relation": "less than"})", "A WELL-KNOWN",
     false},
    {"change_case:capital_word_frequency", R"({"capital_frequency": 2, "capital_relation": "less than"})",
     "the WELL-KNOWN man", true},
    {"change_case:english_capital", "{}", "THE SUN IS UP AND WE ARE HAPPY.", true},
    {"change_case:english_capital", "{}", "THE SUN IS UP AND We ARE HAPPY.", false},
    {"change_case:english_capital", "{}", "DIE SONNE IST SCHON AUFGEGANGEN UND WIR SIND SEHR FROH.", false},
    {"change_case:english_lowercase", "{}", "the sun is up and we are happy.", true},
    {"change_case:english_lowercase", "{}", "The sun is up and we are happy.", false},
    {"change_case:english_lowercase", "{}", "die sonne ist schon aufgegangen und wir sind sehr froh.", false},
    {"change_case:english_lowercase", "{}", "12345", false},  // nothing in it has case
    {"combination:repeat_prompt", R"({"prompt_to_repeat": "Tell me a joke."})", "  tell me a JOKE. Here is one.", true},
    {"combination:repeat_prompt", R"({"prompt_to_repeat": "Tell me a joke."})", "Sure! Tell me a joke.", false},
    {"combination:two_responses", "{}", "One.\n******\nTwo.", true},
    {"combination:two_responses", "{}", "******\nOne.\n******\nTwo.", true},
    {"combination:two_responses", "{}", "One.\n******\n One. ", false},
    {"combination:two_responses", "{}", "One.\n******\n******\nTwo.", false},
    {"combination:two_responses", "{}", "One. Two.", false},
    {"detectable_content:number_placeholders", R"({"num_placeholders": 2})", "Dear [name], from [address].", true},
    {"detectable_content:number_placeholders", R"({"num_placeholders": 2})", "Dear [name].", false},
    {"detectable_content:number_placeholders", R"({"num_placeholders": 1})", "[open\nclosed]", false},
    {"detectable_content:postscript", R"({"postscript_marker": "P.S."})", "Bye.\nP. S. Call me.", true},
    {"detectable_content:postscript", R"({"postscript_marker": "P.S."})", "Bye.\nPS Call me.", false},
    {"detectable_content:postscript", R"({"postscript_marker": "P.P.S"})", "p.p.s. call me", true},
    {"detectable_content:postscript", R"({"postscript_marker": "P.P.S"})", "p.s. call me", false},
    {"detectable_content:postscript", R"({"postscript_marker": "Note to self"})", "Bye. note to self: call", true},
    {"detectable_format:constrained_response", "{}", "Well. My answer is maybe.", true},
    {"detectable_format:constrained_response", "{}", "My answer is: maybe.", false},
    {"detectable_format:json_format", "{}", "```json\n{\"a\": [1, 2.5, null]}\n```", true},
    {"detectable_format:json_format", "{}", " {\"a\": 1} ", true},
    {"detectable_format:json_format", "{}", "{'a': 1}", false},
    {"detectable_format:json_format", "{}", "Here it is: {\"a\": 1}", false},
    {"detectable_format:json_format", "{}", "{\"a\": 1,}", false},
    {"detectable_format:multiple_sections", R"({"section_spliter": "SECTION", "num_sections": 2})",
     "SECTION 1\na\nSECTION 2\nb", true},
    {"detectable_format:multiple_sections", R"({"section_spliter": "SECTION", "num_sections": 2})",
     "Section 1\na\nSection 2\nb", false},
    {"detectable_format:multiple_sections", R"({"section_spliter": "Day", "num_sections": 3})", "Day 1 a Day 2 b", false},
    {"detectable_format:number_bullet_lists", R"({"num_bullets": 2})", "* one\n- two", true},
    {"detectable_format:number_bullet_lists", R"({"num_bullets": 2})", "* one\n* two\n* three", false},
    {"detectable_format:number_bullet_lists", R"({"num_bullets": 1})", "**bold**\n* one", true},
    {"detectable_format:number_highlighted_sections", R"({"num_highlights": 2})", "*one* and **two**", true},
    {"detectable_format:number_highlighted_sections", R"({"num_highlights": 2})", "*one* and * *", false},
    {"detectable_format:number_highlighted_sections", R"({"num_highlights": 1})", "*across\nlines*", false},
    {"detectable_format:title", "{}", "<<A title>>\nText.", true},
    {"detectable_format:title", "{}", "<< >>\nText.", false},
    {"detectable_format:title", "{}", "<A title>\nText.", false},
    {"keywords:existence", R"({"keywords": ["sun", "moon"]})", "The MOON and sunshine.", true},
    {"keywords:existence", R"({"keywords": ["sun", "moon"]})", "The sun.", false},
    {"keywords:existence", R"({"keywords": ["C++"]})", "I like C++ most.", true},
    {"keywords:forbidden_words", R"({"forbidden_words": ["rain"]})", "The train is late.", true},
    {"keywords:forbidden_words", R"({"forbidden_words": ["rain"]})", "No Rain, please.", false},
    {"keywords:frequency", R"({"keyword": "very", "frequency": 2, "relation": "at least"})", "Very, very good.", true},
    {"keywords:frequency", R"({"keyword": "very", "frequency": 3, "relation": "at least"})", "Very, very good.", false},
    {"keywords:frequency", R"({"keyword": "very", "frequency": 2, "relation": "less than"})", "Very good.", true},
    {"keywords:frequency", R"({"keyword": "very", "frequency": 2, "relation": "less than"})", "Very, very good.", false},
    {"keywords:letter_frequency", R"({"letter": "Q", "let_frequency": 2, "let_relation": "at least"})", "Quick and quiet",
     true},
    {"keywords:letter_frequency", R"({"letter": "Q", "let_frequency": 3, "let_relation": "at least"})", "Quick and quiet",
     false},
    {"keywords:letter_frequency", R"({"letter": "#", "let_frequency": 2, "let_relation": "less than"})", "#one #two", false},
    {"language:response_language", R"({"language": "de"})", "Das ist ein Haus und der Garten ist sehr schön.", true},
    {"language:response_language", R"({"language": "de"})", "This is a house and the garden is beautiful.", false},
    {"language:response_language", R"({"language": "ko"})", "안녕하세요 반갑습니다", true},
    {"length_constraints:nth_paragraph_first_word",
     R"({"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "President"})", "One.\n\n\"President, he said.", true},
    {"length_constraints:nth_paragraph_first_word",
     R"({"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "president"})", "One.\n\nPresidents said.", false},
    {"length_constraints:nth_paragraph_first_word", R"({"num_paragraphs": 2, "nth_paragraph": 1, "first_word": "one"})",
     "One.\n\nTwo.\n\nThree.", false},
    {"length_constraints:nth_paragraph_first_word", R"({"num_paragraphs": 3, "nth_paragraph": 3, "first_word": "three"})",
     "One.\n\nTwo.", false},
    {"length_constraints:number_paragraphs", R"({"num_paragraphs": 2})", "One.\n***\nTwo.", true},
    {"length_constraints:number_paragraphs", R"({"num_paragraphs": 2})", "***\nOne.\n***\nTwo.\n***", true},
    {"length_constraints:number_paragraphs", R"({"num_paragraphs": 2})", "One.\n***\n***\nTwo.", false},
    {"length_constraints:number_paragraphs", R"({"num_paragraphs": 2})", "One.\n\nTwo.", false},
    {"length_constraints:number_sentences", R"({"num_sentences": 2, "relation": "at least"})", "It rains. We stay.", true},
    {"length_constraints:number_sentences", R"({"num_sentences": 2, "relation": "at least"})", "It rains, we stay.", false},
    {"length_constraints:number_sentences", R"({"num_sentences": 2, "relation": "less than"})", "It rains! We stay?", false},
    {"length_constraints:number_words", R"({"num_words": 4, "relation": "at least"})", "It's a day", true},  // It, s, a, day
    {"length_constraints:number_words", R"({"num_words": 4, "relation": "less than"})", "one two three", true},
    {"length_constraints:number_words", R"({"num_words": 4, "relation": "less than"})", "one two-three four", false},
    {"punctuation:no_comma", "{}", "No such mark here.", true},
    {"punctuation:no_comma", "{}", "Well, there it is.", false},
    {"startend:end_checker", R"({"end_phrase": "Any other questions?"})", "Done. \"any other questions?\"", true},
    {"startend:end_checker", R"({"end_phrase": "Any other questions?"})", "Any other questions? No.", false},
    {"startend:quotation", "{}", " \"All of it.\"\n", true},
    {"startend:quotation", "{}", "\"Part of\" it.", false},
    {"startend:quotation", "{}", "\"", false},
};

}  // namespace

TEST_CASE("each kind tells following from not following") {
  for (const Case& c : kCases) {
    INFO(c.id << " " << c.kwargs << " | " << c.response);
    CHECK(follows(c.response, c.id, c.kwargs) == c.followed);
  }
}

TEST_CASE("the cases above cover all 25 kinds both ways") {
  std::set<std::string> followed, broken;
  for (const Case& c : kCases) (c.followed ? followed : broken).insert(c.id);
  const std::set<std::string> known(known_instructions().begin(), known_instructions().end());
  CHECK(known.size() == 25);
  CHECK(followed == known);
  CHECK(broken == known);
}
