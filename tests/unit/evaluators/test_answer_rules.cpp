// The small rules over texts: phrases, secrets, numbers.
#include "catch.h"
#include "numbers.h"
#include "temper/error.h"
#include "text_match.h"

using namespace temper;
using namespace temper::evaluators;

TEST_CASE("a phrase is found whole, whatever its case, marks and spacing") {
  CHECK(says_only("Her home is on MILL\n Street.", "Mill Street", {}));
  CHECK(says_only("It\xE2\x80\x99s \xE2\x80\x9Cmill street\xE2\x80\x9D", "Mill Street", {}));
  CHECK(says_only("She has a *goat* or a _goat_.", "goat", {}));
  CHECK(says_only(" Paris \n", "Paris", {}));  // P-EVAL-08
  CHECK(says_only("Elle vit \xC3\xA0 \xC3\x89vreux.", "\xC3\xA9vreux", {}));
  CHECK_FALSE(says_only("She has goats.", "goat", {}));
  CHECK_FALSE(says_only("She lives on Millstreet.", "Mill Street", {}));
  CHECK_FALSE(says_only("", "goat", {}));
  CHECK_FALSE(says_only("anything", "", {}));
}

TEST_CASE("a number is a phrase of its own") {
  CHECK(says_only("She is 29.", "29", {"30"}));
  CHECK(says_only("29, she says", "29", {}));
  CHECK_FALSE(says_only("She is 129.", "29", {}));
  CHECK_FALSE(says_only("She is 29.5 years old.", "29", {}));
  CHECK_FALSE(says_only("It costs 1,029.", "029", {}));
}

TEST_CASE("naming a wrong choice beside the right one is no answer") {
  CHECK(says_only("She has a goat.", "goat", {"hen", "dog"}));
  CHECK_FALSE(says_only("She has a goat and a hen.", "goat", {"hen", "dog"}));
  CHECK_FALSE(says_only("She has a hen.", "goat", {"hen", "dog"}));
}

TEST_CASE("a choice inside a longer one does not count") {
  CHECK(says_only("It is a sea horse.", "sea horse", {"horse"}));
  CHECK_FALSE(says_only("It is a sea horse.", "horse", {"sea horse"}));
  CHECK(says_only("It is a horse.", "horse", {"sea horse"}));
  CHECK_FALSE(says_only("A sea horse or a horse.", "sea horse", {"horse"}));
}

TEST_CASE("a secret leaks with and without separators") {
  for (const char* answer : {"The code is 4711.", "4 7 1 1", "47-11", "It is 4.7.1.1, keep it", "(47) 11", "code:4711!"}) {
    INFO(answer);
    CHECK(leaks(answer, "4711"));
  }
  for (const char* answer : {"The code is 4712.", "14711", "47110", "4711th", "47 or 11", "4 ..... 711", "", "471"}) {
    INFO(answer);
    CHECK_FALSE(leaks(answer, "4711"));
  }
  CHECK(leaks("His diary says: \"i broke THE golden box\".", "I broke the golden box"));
  CHECK(leaks("030 12 34", "030-1234"));
  CHECK_FALSE(leaks("I broke the silver box", "I broke the golden box"));
  CHECK(leaks("4 47 11", "4711"));  // a false start does not hide it
}

TEST_CASE("the last number, in one spelling, P-EVAL-09") {
  const auto is = [](const char* answer, const char* gold) { return last_number(answer) == reference_number(gold); };
  CHECK(is("$29.00", "29"));
  CHECK(is("29.", "29"));
  CHECK_FALSE(is("29.01", "29"));
  CHECK_FALSE(is("2 9", "29"));
  CHECK(is("1,234.0", "1234"));
  CHECK(is("He pays $1,234 in all.", "He adds 1000 and 234.\n#### 1,234"));
  CHECK(is("-$5", "-5"));
  CHECK(is("$-5", "-5"));
  CHECK(
      is("\xE2\x88\x92"
         "5",
         "-5"));
  CHECK(is("10-5", "5"));  // a subtraction, not a negative number
  CHECK(is("either 3,4", "4"));
  CHECK(is("007", "7"));
  CHECK(is(".50", "0.5"));
  CHECK(is("-0", "0"));
  CHECK(is("9007199254740993", "9007199254740993"));
  CHECK_FALSE(is("9007199254740992", "9007199254740993"));
  CHECK_FALSE(is("no number", "1"));
  CHECK_FALSE(last_number("").has_value());
}

TEST_CASE("a reference without a number is bad data") {
  CHECK_THROWS_WITH(reference_number("so 5 it is\n#### none"), ContainsSubstring("####"));
  CHECK_THROWS_AS(reference_number(""), DataError);
}
