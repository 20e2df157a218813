// The known ways to get these checks wrong, one test each.
#include "support.h"
#include "tally.h"

using namespace temper::instruction_following;
using nlohmann::json;

TEST_CASE("P-IFEVAL-01 a forbidden word is found before a Korean particle, and not inside an English word") {
  const char* id = "keywords:forbidden_words";
  CHECK_FALSE(follows("사과는 맛있다", id, R"({"forbidden_words": ["사과"]})"));
  CHECK(follows("풋사과는 맛있다", id, R"({"forbidden_words": ["사과"]})"));
  CHECK_FALSE(follows("我喜欢苹果汁", id, R"({"forbidden_words": ["苹果"]})"));
  CHECK(follows("category", id, R"({"forbidden_words": ["cat"]})"));
  CHECK_FALSE(follows("a cat.", id, R"({"forbidden_words": ["cat"]})"));
}

TEST_CASE("P-IFEVAL-02 an empty response follows nothing") {
  const std::pair<const char*, const char*> checks[] = {
      {"punctuation:no_comma", "{}"},
      {"change_case:english_lowercase", "{}"},
      {"length_constraints:number_words", R"({"num_words": 51, "relation": "less than"})"},
      {"language:response_language", R"({"language": "en"})"}};
  for (const auto& [id, kwargs] : checks) {
    for (const char* response : {"", " \n "}) {
      INFO(id);
      CHECK_FALSE(follows(response, id, kwargs));
      CHECK_FALSE(follows_loosely(response, id, kwargs));
    }
  }
}

TEST_CASE("P-IFEVAL-03 the language verdict never flickers") {
  for (int i = 0; i < 100; ++i) {
    REQUIRE(follows("12345!!!", "language:response_language", R"({"language": "ko"})"));
    REQUIRE(follows("we are very happy", "language:response_language", R"({"language": "en"})"));
  }
}

TEST_CASE("P-IFEVAL-04 the n-th paragraph is counted without blank ones") {
  const char* kwargs = R"({"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "beta"})";
  CHECK(follows("\n\nAlpha one.\n\nBeta two.", "length_constraints:nth_paragraph_first_word", kwargs));
}

TEST_CASE("P-IFEVAL-05 all capitals is not title case") {
  CHECK(follows("HELLO WORLD 3!", "change_case:english_capital"));
  CHECK_FALSE(follows("Hello World", "change_case:english_capital"));
  CHECK_FALSE(follows("123", "change_case:english_capital"));
}

TEST_CASE("P-IFEVAL-06 an unknown instruction id is an error that names it") {
  CHECK_THROWS_WITH(one_instruction("foo:bar"), ContainsSubstring("foo:bar") && ContainsSubstring("punctuation:no_comma"));
  CHECK_THROWS_AS(one_instruction("foo:bar"), temper::DataError);
}

TEST_CASE("P-IFEVAL-07 prompt level and instruction level have their own denominators") {
  Tally tally;
  tally.add({true, false});
  tally.add({true});
  CHECK(tally.whole_prompts == 1);
  CHECK(static_cast<double>(tally.whole_prompts) / 2 == 0.5);
  CHECK((tally.followed[0] + tally.followed[1]) / (tally.instructions[0] + tally.instructions[1]) == Approx(0.666667));
}

TEST_CASE("P-IFEVAL-08 a text without words fails its own check and leaves the others alone") {
  const Instructions both(
      json::parse(
          R"({"instruction_id_list": ["keywords:frequency", "punctuation:no_comma", "length_constraints:number_words"],
                      "kwargs": [{"keyword": "the", "frequency": 1, "relation": "at least"}, {},
                                 {"num_words": 1, "relation": "at least"}]})"),
      {});
  CHECK(both.judge("...").strict == std::vector<bool>{false, true, false});
}

TEST_CASE("P-IFEVAL-09 bullets are counted as published, or as Markdown has them when asked") {
  const char* id = "detectable_format:number_bullet_lists";
  const char* response = "* a\n- b\n**c**\n---";
  CHECK(follows(response, id, R"({"num_bullets": 3})"));
  CHECK_FALSE(follows(response, id, R"({"num_bullets": 2})"));
  Options markdown;
  markdown.markdown_bullets = true;
  CHECK(follows(response, id, R"({"num_bullets": 2})", markdown));
  CHECK_FALSE(follows(response, id, R"({"num_bullets": 3})", markdown));
  CHECK(follows("* * *\n- - -\n+ a\n  * b", id, R"({"num_bullets": 2})", markdown));
}

TEST_CASE("P-IFEVAL-10 abbreviations and decimals end no sentence") {
  const char* id = "length_constraints:number_sentences";
  const char* text = "Dr. Kim paid 3.5 dollars. It was fine.";
  CHECK(follows(text, id, R"({"num_sentences": 2, "relation": "at least"})"));
  CHECK(follows(text, id, R"({"num_sentences": 3, "relation": "less than"})"));
}

TEST_CASE("P-IFEVAL-11 the request is repeated first, whatever the case") {
  const char* kwargs = R"({"prompt_to_repeat": "Say hi."})";
  CHECK(follows("say hi. Hi!", "combination:repeat_prompt", kwargs));
  CHECK_FALSE(follows("Hi! Say hi.", "combination:repeat_prompt", kwargs));
}
