// The filter pii: what it does with finds, the traps, and that one pass is enough.
#include "catch.h"
#include "pii_filter.h"
#include "temper/random.h"
#include "temporary_file.h"

using namespace temper;
using namespace temper::pii_filter;

namespace {

PiiFilter make(const PiiParams& params) { return PiiFilter(params, {"/"}); }
FilterResult judge(const PiiParams& params, const std::string& text) { return make(params).judge({"1", text, "test:1"}); }
std::string cleaned(const PiiParams& params, const std::string& text) {
  return apply_spans(text, judge(params, text).spans);
}
std::string masked(const std::string& text) { return cleaned({}, text); }

const std::vector<std::string> kPieces = {"mail hong@firma.co.kr",
                                          "010-1234-5678로",
                                          "card 4111 1111 1111 1111,",
                                          "10.1.2.3",
                                          "GB82 WEST 1234 5698 7654 32",
                                          "457-55-5461",
                                          "fe80::1ff:fe23:4567:890a",
                                          "https://joe:secret@firma.com/x",
                                          "plain words",
                                          "+44 20 7946 0958.",
                                          "010203-3000008",
                                          "phone 5551234",
                                          "1234",
                                          "(415) 555-2671",
                                          "Mary O’Brien",
                                          "김철수는",
                                          "12 High Street",
                                          "a@b.org",
                                          "<EMAIL>",
                                          "-",
                                          "x"};

}  // namespace

TEST_CASE("P-PII-01 resident registration numbers in documents", "[pii][filter]") {
  CHECK(masked("번호는 010203-3000008이야") == "번호는 <KR_RRN>이야");
  CHECK(masked("211203-3000002") == "<KR_RRN>");
  for (const char* other : {"011303-3000000", "1010203-3000008", "010203-9000008"}) CHECK(masked(other) == other);
  CHECK(masked("900101-5000000") == "<KR_FOREIGN>");
}

TEST_CASE("P-PII-02 finds that overlap leave nothing of either", "[pii][filter]") {
  const test::TemporaryFile names("overlap.txt", "Joe Smith\n"), places("overlap2.txt", "Smith Street\n");
  PiiParams params;
  params.names = {names.path()};
  params.addresses = {places.path()};
  CHECK(cleaned(params, "x Joe Smith Street, y") == "x <NAME><ADDRESS>, y");
  CHECK(cleaned(params, "x a@b.org, y") == "x <EMAIL>, y");
}

TEST_CASE("P-PII-03 a find inside another: all of the longer one goes, under the surer name", "[pii][filter]") {
  const test::TemporaryFile names("inside.txt", "Smith\n"), places("inside2.txt", "Call 415-555-2671 Road\n");
  PiiParams params;
  params.names = {names.path()};
  params.addresses = {places.path()};
  CHECK(cleaned(params, "to Mary.Smith@firma.com now") == "to <EMAIL> now");
  CHECK(cleaned(params, "Call 415-555-2671 Road.") == "<ADDRESS>.");
}

TEST_CASE("P-PII-04 letters beyond ASCII, and names from a list", "[pii][filter]") {
  CHECK(masked("josé.núñez@example.com") == "<EMAIL>");
  CHECK(masked("김철수@example.co.kr") == "<EMAIL>");
  CHECK(masked("O’Brien") == "O’Brien");
  const test::TemporaryFile names("names4.txt", "O'Brien\n김철수\n");
  PiiParams params;
  params.names = {names.path()};
  CHECK(cleaned(params, "O’Brien und 김철수에게") == "<NAME> und <NAME>에게");
}

TEST_CASE("P-PII-05 spans are bytes at whole characters", "[pii][filter]") {
  CHECK(masked("안녕 010-1234-5678 끝") == "안녕 <PHONE> 끝");
  const auto result = judge({}, "안녕 010-1234-5678 끝");
  REQUIRE(result.spans.size() == 1);
  CHECK(result.spans[0].begin == 7);
  CHECK(result.spans[0].end == 20);
  CHECK(result.spans[0].type == "phone");
}

TEST_CASE("P-PII-06 a second pass changes nothing, whatever the action", "[pii][filter]") {
  const test::TemporaryFile names("names6.txt", "Mary O'Brien\n김철수\nEmail\n"), places("places6.txt", "12 High Street\n");
  PiiParams lists;
  lists.names = {names.path()};
  lists.addresses = {places.path()};
  std::vector<PiiParams> variants = {{}, lists, lists, lists};
  variants[2].action = "replace";
  variants[3].types = {"phone", "email"};
  Rng rng(3);
  for (const auto& params : variants) {
    const auto filter = make(params);
    for (int line = 0; line < 400; ++line) {
      std::string text;
      for (std::uint64_t i = 0, n = 1 + rng.below(6); i < n; ++i) {
        text += kPieces[rng.below(kPieces.size())] + (rng.below(3) == 0 ? "" : " ");
      }
      const std::string once = apply_spans(text, filter.judge({"1", text, ""}).spans);
      const auto again = filter.judge({"1", once, ""});
      INFO(text << "\n" << once);
      CHECK(again.spans.empty());
      CHECK(again.score == 0);
    }
  }
}

TEST_CASE("fakes are the same in every document, and none is left of the values", "[pii][filter]") {
  const test::TemporaryFile names("names7.txt", "Mary Smith\n김철수\n");
  PiiParams params;
  params.action = "replace";
  params.names = {names.path()};
  params.seed = 5;
  const std::string first = cleaned(params, "Mary Smith: mary@firma.com, 415-555-2671"),
                    second = cleaned(params, "415-555-2671 is Mary Smith's, mail mary@firma.com");
  for (const char* gone : {"Mary", "Smith", "firma", "2671"}) {
    CHECK(first.find(gone) == std::string::npos);
    CHECK(second.find(gone) == std::string::npos);
  }
  const std::string name = first.substr(0, first.find(':')), mail = first.substr(first.find("user"), 26);
  CHECK(second.find(name + "'s") != std::string::npos);
  CHECK(second.find(mail) != std::string::npos);
  params.seed = 6;
  CHECK(cleaned(params, "Mary Smith: mary@firma.com, 415-555-2671") != first);
  CHECK(cleaned(params, "김철수는 왔다").ends_with("는 왔다"));
  // Reserved addresses that are no fakes of ours are replaced like any other.
  CHECK(cleaned(params, "mary@example.com").find("mary") == std::string::npos);
}

TEST_CASE("a made-up name is no name of the list", "[pii][filter]") {
  const test::TemporaryFile names("letters.txt", "X\nB\nD\nF\nG\nA\nE\nK\nL\n");
  PiiParams params;
  params.action = "replace";
  params.names = {names.path()};
  for (params.seed = 1; params.seed < 30; ++params.seed) {
    const std::string text = cleaned(params, "It is X.");
    CHECK(text.size() == 8);  // no tag
    CHECK(std::string("XBDFGAEKL").find(text[6]) == std::string::npos);
  }
}

TEST_CASE("types, scores, counts, dropping and marking", "[pii][filter]") {
  const std::string text = "a@b.org and 415-555-2671 and 106.31.73.20";
  PiiParams params;
  params.types = {"phone"};
  CHECK(cleaned(params, text) == "a@b.org and <PHONE> and 106.31.73.20");
  params = {};
  params.min_score = 0.6;
  CHECK(cleaned(params, text) == "<EMAIL> and 415-555-2671 and <IPV4>");
  CHECK(judge({}, text).score == Approx(0.9));
  CHECK(judge({}, "nothing").score == 0);
  params = {};
  params.max_count = 3;
  CHECK_FALSE(judge(params, text).drop);
  params.max_count = 2;
  CHECK(judge(params, text).drop);
  CHECK(judge(params, text).reason == "too_many");
  params = {};
  params.action = "drop";
  CHECK(judge(params, text).drop);
  CHECK(judge(params, text).reason == "email");
  CHECK_FALSE(judge(params, "nothing").drop);
  params.action = "mark";
  CHECK(judge(params, text).spans.size() == 3);
  CHECK(cleaned(params, text) == text);
}

TEST_CASE("wrong parameters say what is right", "[pii][filter]") {
  PiiParams params;
  params.types = {"telephone"};
  CHECK_THROWS_WITH(make(params), ContainsSubstring("us_ssn"));
  params.types = {"name"};
  CHECK_THROWS_WITH(make(params), ContainsSubstring("`names`"));
  params.types = {};
  params.names = {"nowhere.txt"};
  CHECK_THROWS_AS(make(params), DataError);
}

TEST_CASE("the fingerprint follows the lists", "[pii][filter]") {
  CHECK(make({}).fingerprint().empty());
  const test::TemporaryFile one("one.txt", "Ann\n"), two("two.txt", "Bob\n");
  PiiParams a, b, c;
  a.names = {one.path()};
  b.names = {two.path()};
  c.addresses = {one.path()};
  CHECK(make(a).fingerprint() == make(a).fingerprint());
  CHECK(make(a).fingerprint() != make(b).fingerprint());
  CHECK(make(a).fingerprint() != make(c).fingerprint());
}
