// Mojibake: published cases, and right text in hundreds of languages that must not be touched.
#include <catch.h>

#include "normalize.h"
#include "support.h"

using namespace temper;
using namespace temper::filters;
using namespace temper::test;

namespace {

/// Nothing but the repair.
const Normalize& mojibake_only() {
  static const Normalize filter({false, false, false, true, false, false, false, false, false, true, 0});
  return filter;
}

std::string repaired(const std::string& text) { return after(mojibake_only(), text); }

}  // namespace

TEST_CASE("UTF-8 that was read in a code page is repaired, also twice over") {
  CHECK(repaired("caf\u00C3\u00A9") == "caf\u00E9");
  CHECK(repaired("It\u00E2\u20AC\u2122s") == "It\u2019s");
  CHECK(repaired("caf\u00C3\u0192\u00C2\u00A9") == "caf\u00E9");
  CHECK(repaired("\u0420\u045F\u0421\u0402\u0420\u0451\u0420\u0406\u0420\u00B5\u0421\u201A") ==
        "\u041F\u0440\u0438\u0432\u0435\u0442");
  CHECK(repaired("\u00ED\u2022\u0153\u00EA\u00B5\u00AD\u00EC\u2013\u00B4") == "\uD55C\uAD6D\uC5B4");
  CHECK(repaired("\u0093Haus\u0094") == "\u201CHaus\u201D");
}

TEST_CASE("the edit is the smallest there is") {
  const auto result = verdict_on(mojibake_only(), "the caf\u00C3\u00A9 and caf\u00E9");
  REQUIRE(result.spans.size() == 1);
  CHECK(result.spans[0].begin == 7);
  CHECK(result.spans[0].end == 11);
  CHECK(result.spans[0].type == "mojibake");
}

TEST_CASE("right text that looks a little like it stays") {
  for (const std::string text :
       {"L\u2019\u00E9pisode 8", "VOC\u00CA\u2026", "NESTL\u00C9\u00AE", "5\u00D7\u00A335", "(-1/2)! = \u221A\u03C0",
        "Bront\u00EB\u2026\u201D", "\u0412\u0406\u041A\u0406", "H\u00C5\u00D8YA", "\u251C\u2524a\u253C\u2510a",
        "l\u2019Am\u00E9rique \u00AB \u00E9t\u00E9 \u00BB", "AH\u00C5\u2122", "\u2206\u00B0", "C O N C L U S \u00C3 O"}) {
    CAPTURE(text);
    CHECK(repaired(text) == text);
  }
}

TEST_CASE("150 of the 161 published cases come out right") {
  const std::string path = shared_data("cleaning/mojibake_cases.json");
  if (path.empty()) return;
  std::ifstream file(path);
  std::size_t right = 0, within_reach = 0, right_within_reach = 0;
  const auto cases = nlohmann::json::parse(file);
  for (const auto& one : cases) {
    const std::string original = one["original"];
    // Entities and quotation marks are other steps.
    const std::string wanted = one.value("fixed-encoding", one["fixed"].get<std::string>());
    const bool is = repaired(original) == wanted, reach = one["expect"] == "pass";
    right += is ? 1 : 0;
    within_reach += reach ? 1 : 0;
    right_within_reach += is && reach ? 1 : 0;
  }
  INFO(right << " of " << cases.size() << ", " << right_within_reach << " of " << within_reach);
  CHECK(cases.size() == 161);
  CHECK(right >= 150);
  CHECK(within_reach - right_within_reach <= 5);
}

TEST_CASE("nothing but stray control characters is touched in right text of hundreds of languages") {
  for (const char* name :
       {"cleaning/language_id_udhr.jsonl", "corpus/c4_sample.jsonl", "corpus/korean_wiki_paragraphs.jsonl"}) {
    const std::string path = shared_data(name);
    if (path.empty()) return;
    std::size_t wrong = 0;
    for (const auto& row : rows_of(path)) {
      const std::string text = row["text"];
      for (const auto& span : verdict_on(mojibake_only(), text).spans) wrong += text[span.begin] == '\xC2' ? 0 : 1;
    }
    CAPTURE(name);
    CHECK(wrong == 0);
  }
}
