// Lists of edits, one behind the other.
#include <catch.h>

#include <random>

#include "edits.h"
#include "temper/filter.h"
#include "utf8.h"

using namespace temper;
using namespace temper::filters;

namespace {

/// Edits of random places, some of them side by side.
Edits random_edits(const std::string& text, std::mt19937& random) {
  Edits edits;
  for (std::size_t at = random() % 4; at < text.size();) {
    const std::size_t end = std::min<std::size_t>(at + 1 + random() % 3, text.size());
    edits.push_back({at, end, "x", std::string(random() % 3, static_cast<char>('A' + random() % 26))});
    at = end + random() % 4;
  }
  return edits;
}

}  // namespace

TEST_CASE("composed edits do what the two lists do one behind the other") {
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (std::size_t i = 0; i < 1 + random() % 20; ++i) text += static_cast<char>('a' + random() % 26);
    const Edits first = random_edits(text, random);
    const std::string middle = edited(text, first);
    const Edits second = random_edits(middle, random);
    const auto spans = spans_of(text, composed(middle, first, second));
    REQUIRE(apply_spans(text, spans) == edited(middle, second));
    for (const auto& span : spans) REQUIRE(text.substr(span.begin, span.end - span.begin) != *span.replacement);
  }
}

TEST_CASE("spans are cut down to what changes, at whole characters") {
  const std::string text = "xx caf\u00E9 yy";
  const auto spans = spans_of(text, {{3, 8, "t", "caf\u00E8"}});
  REQUIRE(spans.size() == 1);
  CHECK(spans[0].begin == 6);
  CHECK(spans[0].end == 8);
  CHECK(*spans[0].replacement == "\u00E8");
  CHECK(spans_of(text, {{3, 8, "t", "caf\u00E9"}}).empty());
}

TEST_CASE("bytes that are no UTF-8 are characters of one byte") {
  CHECK(char_at("\xC3(", 0).code == kBroken);
  CHECK(char_at("\xED\xA0\x80", 0).size == 1);
  CHECK(char_at("\xF0\x9F\x98", 0).size == 1);
  CHECK(char_before("a\u20AC", 4).code == 0x20AC);
  CHECK(char_before("\xAC\xAC\xAC\xAC\xAC", 5).size == 1);
}
