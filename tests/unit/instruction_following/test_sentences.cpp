// Sentence ends by Punkt's rules: what ends one and what does not.
#include "sentences.h"
#include "support.h"

using namespace temper::instruction_following;

TEST_CASE("every kind of end mark ends a sentence") {
  CHECK(count_sentences("It rains. It pours! Does it stop? No") == 4);
  CHECK(count_sentences("Really?! Yes!! No") == 3);
  CHECK(count_sentences("Yes!!!") == 2);  // as the published checker has it: the last mark stands alone
  CHECK(count_sentences("") == 0);
  CHECK(count_sentences(" \n ") == 0);
  CHECK(count_sentences("no mark at all") == 1);
}

TEST_CASE("abbreviations, initials and decimals end none") {
  CHECK(count_sentences("We met Mrs. Brown at 5 p.m. in St. Louis.") == 1);
  CHECK(count_sentences("Mr. Brown and Dr. Young agree.") == 1);
  CHECK(count_sentences("John F. Kennedy spoke.") == 1);
  CHECK(count_sentences("It costs 3.50 dollars, or 1,000.25.") == 1);
  CHECK(count_sentences("He came at 5 p.m. The train had left.") == 2);
}

TEST_CASE("numbers of a list end one before a capital only") {
  CHECK(count_sentences("1. Wash it.\n2. Dry it.") == 4);
  CHECK(count_sentences("see no 5. of the list") == 1);
}

TEST_CASE("an ellipsis ends one only before a word that starts sentences") {
  CHECK(count_sentences("Well... maybe not.") == 1);
  CHECK(count_sentences("Well... The end.") == 2);
  CHECK(count_sentences("Well... Jonathan left.") == 1);
}

TEST_CASE("closing quotes and brackets belong to the sentence before") {
  CHECK(sentences("\"Go home!\" he said. (It rains.) Bye.") ==
        std::vector<std::string>{"\"Go home!\"", "he said.", "(It rains.)", "Bye."});
  CHECK(count_sentences("He said \"stop.\" Then he left.") == 2);
}

TEST_CASE("text of other scripts and of stray bytes is split without harm") {
  CHECK(count_sentences("안녕하세요. 반갑습니다.") == 2);
  CHECK(count_sentences("a\xff. B.") >= 1);
  CHECK(count_sentences("....") == 1);
  CHECK(count_sentences(". . . .") >= 1);
}
