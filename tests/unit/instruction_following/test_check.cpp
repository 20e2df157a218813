// Arguments: what is accepted, and what is refused with a sentence that names instruction and argument.
#include "support.h"

using namespace temper::instruction_following;
using temper::DataError;

TEST_CASE("null and whole floating-point arguments are read as some copies of the data write them") {
  CHECK(follows("one two", "length_constraints:number_words",
                R"({"num_words": 2.0, "relation": "at least", "keywords": null})"));
  CHECK(follows("no such mark", "punctuation:no_comma", "null"));
}

TEST_CASE("bad arguments are errors that name the instruction and the argument") {
  const auto fails = [](const char* id, const char* kwargs, const char* says) {
    INFO(id << " " << kwargs);
    CHECK_THROWS_WITH(one_instruction(id, kwargs), ContainsSubstring(id) && ContainsSubstring(says));
    CHECK_THROWS_AS(one_instruction(id, kwargs), DataError);
  };
  fails("length_constraints:number_words", "{}", "'relation' is missing");
  fails("length_constraints:number_words", R"({"relation": "at least", "num_words": null})", "'num_words' is missing");
  fails("length_constraints:number_words", R"({"relation": "at most", "num_words": 3})", "'at most'");
  fails("length_constraints:number_words", R"({"relation": "at least", "num_words": -1})", "-1");
  fails("length_constraints:number_words", R"({"relation": "at least", "num_words": 1.5})", "1.5");
  fails("length_constraints:number_words", R"({"relation": "at least", "num_words": "3"})", "whole number");
  fails("length_constraints:number_words", R"(["at least", 3])", "no JSON object");
  fails("length_constraints:nth_paragraph_first_word", R"({"num_paragraphs": 2, "nth_paragraph": 3, "first_word": "a"})",
        "from 1 to");
  fails("keywords:existence", R"({"keywords": []})", "list of texts");
  fails("keywords:existence", R"({"keywords": "word"})", "list of texts");
  fails("keywords:forbidden_words", R"({"forbidden_words": ["a", 2]})", "list of texts");
  fails("keywords:forbidden_words", R"({"forbidden_words": [""]})", "list of texts");
  fails("keywords:letter_frequency", R"({"letter": "ab", "let_frequency": 1, "let_relation": "at least"})", "one character");
  fails("language:response_language", R"({"language": "xx"})", "'xx'");
  fails("combination:repeat_prompt", R"({"prompt_to_repeat": " "})", "blank");
  fails("startend:end_checker", R"({"end_phrase": 3})", "must be a text");
}
