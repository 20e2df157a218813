// Patterns: what of_keyword makes of users' words, and the corners of matching and replacing.
#include "pattern.h"
#include "support.h"

using namespace temper::instruction_following;

TEST_CASE("a keyword is a pattern, and itself where it is none") {
  CHECK(Pattern::of_keyword("colou?r").found_in("Color"));
  CHECK(Pattern::of_keyword("C++").found_in("c++ code"));
  CHECK_FALSE(Pattern::of_keyword("C++").found_in("c code"));
  CHECK(Pattern::of_keyword("(").count("f((x") == 2);
  CHECK(Pattern::of_keyword("a)(b").found_in("xa)(by"));
}

TEST_CASE("matches do not overlap and empty ones move on by a whole character") {
  CHECK(Pattern("aa").count("aaaa") == 2);
  CHECK(Pattern("x*").count("한글") == 3);
  CHECK(Pattern("-").split("a-b-") == std::vector<std::string>{"a", "b", ""});
  CHECK(Pattern(".").matches("é😀") == std::vector<std::string>{"é", "😀"});
}

TEST_CASE("replacing grows as far as it has to and leaves unset groups empty") {
  CHECK(Pattern("(a)|(b)").replace("ab", "<$1$2>") == "<a><b>");
  const std::string many(500, 'a');
  CHECK(Pattern("a").replace(many, "12345678901234567890").size() == 10000);
}

TEST_CASE("bad patterns and bad texts are DataErrors") {
  CHECK_THROWS_AS(Pattern("("), temper::DataError);
  CHECK_THROWS_AS(Pattern("a").count("a\xff"), temper::DataError);
  CHECK_THROWS_AS(Pattern("a").replace("a\xff", "b"), temper::DataError);
  CHECK_THROWS_AS(Pattern("^(a+)+$").count(std::string(64, 'a') + "b"), temper::DataError);
}
