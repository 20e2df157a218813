// Streaming prints what is certain and nothing twice: unfinished characters and possible stop strings wait. Columns stand
// side by side, wide characters counted as two.
#include <clocale>

#include "catch.h"
#include "host/chat/columns.h"
#include "host/chat/stream_text.h"

using namespace temper;

TEST_CASE("an unfinished character is printed when it is whole") {
  StreamText stream({});
  CHECK(stream.next("a\xEF\xBF\xBD", false) == "a");
  CHECK(stream.next("a한", false) == "한");
  CHECK(stream.next("a한\xEF\xBF\xBD", false).empty());
  CHECK(stream.next("a한\xEF\xBF\xBD", true) == "\xEF\xBF\xBD");  // the end: it will not become whole
}

TEST_CASE("the beginning of a stop string waits, and is printed if it was none") {
  StreamText stream({"\n\nUser:"});
  CHECK(stream.next("hi\n", false) == "hi");
  CHECK(stream.next("hi\n\nU", false).empty());
  CHECK(stream.next("hi\n\nUp", false) == "\n\nUp");
  CHECK(stream.next("hi\n\nUp\n\nUser", false).empty());
  CHECK(stream.next("hi\n\nUp", true).empty());  // cut off by the generator
}

TEST_CASE("columns stand side by side, or below one another where it is narrow") {
  REQUIRE(std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr);
  const std::vector<Column> columns = {{"one", "안녕"}, {"two", "안녕하세요 hello"}};
  const std::string wide = side_by_side(columns, 80), narrow = side_by_side(columns, 30);
  const auto first_line = wide.substr(0, wide.find('\n'));
  CHECK(first_line.find("one") != std::string::npos);
  CHECK(first_line.find("two") != std::string::npos);
  CHECK(narrow.substr(0, narrow.find('\n')).find("two") == std::string::npos);
  // 38 columns each and three between them; the two characters take four.
  CHECK(wide.find("안녕" + std::string(37, ' ') + "안녕하세요 hello\n") != std::string::npos);
  for (const auto& text : {wide, narrow}) CHECK(text.find("안녕하세요 hello") != std::string::npos);
}
