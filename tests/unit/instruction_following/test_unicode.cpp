// Python's meaning of blank, case and word.
#include "support.h"
#include "unicode.h"

using namespace temper::instruction_following;

TEST_CASE("strip cuts every kind of white space and nothing else") {
  CHECK(strip(" \n\t a b\u00a0\u3000") == "a b");
  CHECK(strip("\x1c\x1f"
              "a") == "a");
  CHECK(strip("\u200b") == "\u200b");  // zero width, no white space
  CHECK(is_blank("\u2003\r\n"));
}

TEST_CASE("case needs a cased character and no other case") {
  CHECK(all_upper("ABC 1!"));
  CHECK_FALSE(all_upper("ABc"));
  CHECK_FALSE(all_upper("123"));
  CHECK_FALSE(all_upper("한글"));
  CHECK(all_upper("ÉCOLE 한글"));
  CHECK_FALSE(all_upper("\u01c5"));  // title case counts as neither
  CHECK(all_lower("straße"));
}

TEST_CASE("words are letters, digits and underscore, without combining marks") {
  CHECK(words("it's a_b 3.5 –").size() == 5);
  CHECK(words("हिन्दी").size() == 3);
  CHECK(words("한국어 문장") == std::vector<std::string>{"한국어", "문장"});
  CHECK(words("").empty());
}

TEST_CASE("bytes that are no UTF-8 are seen") {
  CHECK(is_valid_utf8("a한😀"));
  CHECK_FALSE(is_valid_utf8("\xc3"));
  CHECK_FALSE(is_valid_utf8("\xed\xa0\x80"));
  CHECK(decode("a\xff") == U"a\uFFFD");
}

TEST_CASE("split and join are inverse") {
  for (const std::string text : {"", "a", "a\n\nb\n", "\n"}) CHECK(join(split(text, "\n"), "\n") == text);
}
