// Treebank word tokens.
#include "support.h"
#include "word_tokens.h"

using namespace temper::instruction_following;
using Tokens = std::vector<std::string>;

TEST_CASE("contractions come apart and hyphenated words stay whole") {
  CHECK(word_tokens("I DON'T know") == Tokens{"I", "DO", "N'T", "know"});
  CHECK(word_tokens("It's John's well-known") == Tokens{"It", "'s", "John", "'s", "well-known"});
  CHECK(word_tokens("I CANNOT, we'll") == Tokens{"I", "CAN", "NOT", ",", "we", "'ll"});
  CHECK(word_tokens("gonna") == Tokens{"gon", "na"});
}

TEST_CASE("punctuation comes apart, numbers do not") {
  CHECK(word_tokens("Pay 3,000.50 (now): yes!") == Tokens{"Pay", "3,000.50", "(", "now", ")", ":", "yes", "!"});
  CHECK(word_tokens("a--b \"C\"") == Tokens{"a", "--", "b", "\"", "C", "\""});
  CHECK(word_tokens("").empty());
}

TEST_CASE("a full stop is a token at the end of a sentence only") {
  CHECK(word_tokens("The U.S. won. Bye.") == Tokens{"The", "U.S.", "won", ".", "Bye", "."});
}
