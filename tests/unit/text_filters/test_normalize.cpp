// Characters, line ends, composition and white space.
#include <catch.h>

#include "entities.h"
#include "normalize.h"
#include "support.h"

using namespace temper;
using namespace temper::filters;
using namespace temper::test;

namespace {

NormalizeParams nothing() { return {false, false, false, false, false, false, false, false, false, true, 0}; }

std::string normal(const std::string& text, const NormalizeParams& params = {}) { return after(Normalize(params), text); }

}  // namespace

TEST_CASE("right text is left alone, without a span") {
  const Normalize filter({});
  for (const std::string text :
       {"", "a", "Plain text, in two lines.\n\nAnd a paragraph.\n", "Caf\u00E9 \u201Cna\u00EFve\u201D \u2014 \u00A35",
        "\uC548\uB155\uD558\uC138\uC694. \uBC18\uAC11\uC2B5\uB2C8\uB2E4!", "\tdef f():\n\t\treturn 1\n", "    indented\n",
        "a\tb\t\tc\n"}) {
    CAPTURE(text);
    CHECK(verdict_on(filter, text).spans.empty());
    CHECK(verdict_on(filter, text).score == 0);
  }
}

TEST_CASE("decomposed letters and Hangul are composed, by byte offsets") {
  const std::string text = "ab \u1112\u1161\u11AB\u1100\u1173\u11AF e\u0301x";
  const auto result = verdict_on(Normalize({}), text);
  CHECK(apply_spans(text, result.spans) == "ab \uD55C\uAE00 \u00E9x");
  for (const auto& span : result.spans) CHECK(span.type == "nfc");
  CHECK(result.spans.front().begin == 3);
  CHECK(normal("\u212B \u2126") == "\u00C5 \u03A9");
  CHECK(normal("e\u200B\u0301") == "\u00E9");  // composed once the character between them is gone
  auto params = nothing();
  CHECK(normal("e\u0301\r\n", params) == "e\u0301\r\n");
  params.nfc = true;
  CHECK(normal("e\u0301\r\n", params) == "\u00E9\r\n");
}

TEST_CASE("thousands of marks in a row are left as they are, in linear time") {
  const std::string marks = "a" + repeat("\u0301\u0316", 250000);
  const bool as_expected = normal(marks + " e\u0301") == marks + " \u00E9";  // not shown: it is a megabyte
  CHECK(as_expected);
  CHECK(normal("a\u0301\u0316b") == "\u00E1\u0316b");
}

TEST_CASE("control and zero-width characters go, but joiners stay where they shape text") {
  CHECK(normal("a\x01"
               "b\x7F"
               "c\u0099\u00ADd\uFEFFe\u200Bf\u2060g") == "abc\u2122defg");
  CHECK(normal("\x1B[1;31mred\x1B[0m") == "red");
  const std::string family = "\U0001F468\u200D\U0001F469\u200D\U0001F467 \u2764\uFE0F\u200D\U0001F525";
  CHECK(normal(family) == family);
  const std::string persian = "\u0645\u06CC\u200C\u062E\u0648\u0627\u0647\u0645", hindi = "\u0915\u094D\u200D\u0937";
  CHECK(normal(persian) == persian);
  CHECK(normal(hindi) == hindi);
  CHECK(normal("ab\u200Dcd\u200Cef") == "abcdef");
  const std::string khmer = "\u1780\u1781\u200B\u1782";  // parts words
  CHECK(normal(khmer) == khmer);
  NormalizeParams keep;
  keep.control = false;
  CHECK(normal("a\x01\u200Bb", keep) == "a\x01\u200Bb");
}

TEST_CASE("every line end becomes a newline, by the smallest edit") {
  CHECK(normal("a\r\nb\rc\u2028d\u2029e") == "a\nb\nc\nd\ne");
  const auto result = verdict_on(Normalize({}), "a\r\nb");
  REQUIRE(result.spans.size() == 1);
  CHECK(result.spans[0].begin == 1);
  CHECK(result.spans[0].end == 2);
  CHECK(result.spans[0].type == "line_end");
  CHECK(*result.spans[0].replacement == "");
  auto params = nothing();
  params.line_ends = true;
  CHECK(normal("a\u0085"
               "b",
               params) == "a\nb");
}

TEST_CASE("white space is tidied, each part by its parameter") {
  CHECK(normal("a  b   c \t\nd\n\n\n\ne  ") == "a b c\nd\n\ne");
  CHECK(normal("a\u00A0b\u3000c") == "a b c");
  CHECK(normal("x\n    four\n") == "x\n    four\n");
  CHECK(normal("a \n \n \n \nb") == "a\n\nb");
  CHECK(normal(" \t\n ") == "\n");
  NormalizeParams params;
  params.keep_indent = false;
  CHECK(normal("x\n    four\n", params) == "x\n four\n");
  params = {};
  params.collapse_spaces = false;
  CHECK(normal("a  b \n", params) == "a  b\n");
  params = {};
  params.trim_lines = false;
  CHECK(normal("a \nb", params) == "a \nb");
  params = {};
  params.max_newlines = 0;
  CHECK(normal("a\n\n\n\nb", params) == "a\n\n\n\nb");
  params = {};
  params.plain_spaces = false;
  CHECK(normal("a\u00A0b", params) == "a\u00A0b");
}

TEST_CASE("entities and quotes on request, entities within entities at once") {
  NormalizeParams params;
  params.html_entities = params.straight_quotes = true;
  CHECK(normal("caf&eacute; &#233;&#xE9; &amp;amp;lt; &bogus; &#0; & &#128;", params) ==
        "caf\u00E9 \u00E9\u00E9 < &bogus; &#0; & \u20AC");
  CHECK(normal("\u201CIt\u2019s\u201D", params) == "\"It's\"");
  CHECK(normal("&eacute; \u201Cx\u201D") == "&eacute; \u201Cx\u201D");
  CHECK(entity_edits("no end &amp").empty());
}

TEST_CASE("a second pass changes nothing, whatever stands together") {
  const std::vector<std::string> parts = {
      "a",      "\u00E9", "\u00C3", "\u00A9", "\u00E2", "\u20AC", "\u2122", "\u0099", "\u0085", "\r",     "\n",
      " ",      "  ",     "\t",     "\u00A0", "\u200B", "\u200D", "\u0301", "\uFEFF", "\uAC00", "\u1100", "\u1161",
      "&amp;",  "amp;",   "<",      "\u0338", "\u2019", "\u0420", "\u045F", "\u2028", "\u3000", "\u0915", "\u093C",
      "\uFFFD", "\u221A", "\xFF",   "\xC3",   "?",      "\u0958", "\u00D0", "\x1B[m", "\u252C", "s "};
  NormalizeParams all;
  all.html_entities = all.straight_quotes = true;
  const Normalize plain({}), eager(all);
  std::uint64_t state = 1;
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (int i = 0; i < 10; ++i) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      text += parts[(state >> 33) % parts.size()];
    }
    for (const Normalize* filter : {&plain, &eager}) {
      const std::string once = after(*filter, text);
      REQUIRE(verdict_on(*filter, once).spans.empty());
    }
  }
}

TEST_CASE("a line of a megabyte is a matter of a moment") {
  for (const std::string part :
       {"a", " ", "a  b", "\u00C3\u00A9", "\u00C3\u0192\u00C2\u00A9", "\r", "\t", "&amp;", "e\u0301", "\u0301"}) {
    const std::string once = normal(repeat(part, (std::size_t{1} << 20) / part.size()));
    CHECK(once.size() <= std::size_t{1} << 20);
  }
}
