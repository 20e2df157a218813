// Personal data by its form: the traps, the numbers of python-stdnum, overlaps, offsets, and people's own annotations.
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>

#include "catch.h"
#include "temper/pii.h"
#include "temper/random.h"

using namespace temper;
using Found = std::vector<std::string>;  ///< "type: text"

namespace {

/// Type and text of what is found.
Found found_in(const std::string& text) {
  Found found;
  for (const auto& span : scan_pii(text)) {
    found.push_back(std::string(pii_name(span.type)) + ": " + text.substr(span.begin, span.end - span.begin));
  }
  return found;
}
std::string masked(const std::string& text) { return mask_pii(text, scan_pii(text)); }

PiiSpan span(std::size_t begin, std::size_t end, PiiType type, double score) { return {begin, end, 0, 0, type, score}; }

/// Keys are put together here, so that nobody's search for leaked keys stops at this file.
std::string key(const std::string& prefix, const std::string& rest) { return prefix + rest; }

}  // namespace

TEST_CASE("P-PII-01 Korean resident registration numbers: checksum, date, century, Hangul behind", "[sdk][pii]") {
  CHECK(found_in("번호는 010203-3000008이야") == Found{"kr_rrn: 010203-3000008"});
  CHECK(found_in("211203-3000002") == Found{"kr_rrn: 211203-3000002"});  // born after October 2020: no checksum
  CHECK(found_in("011303-3000000").empty());
  CHECK(found_in("1010203-3000008").empty());
  CHECK(found_in("010203-9000008").empty());
  CHECK(found_in("010203-3000009").empty());  // wrong check digit
  CHECK(found_in("0102033000008") == Found{"kr_rrn: 0102033000008"});
  CHECK(found_in("2112033000002").empty());  // any 13 digits
  CHECK(found_in("000229-3000000").size() + found_in("010229-3000000").size() <= 1);
  // Foreign residents: their check digit is two more; those who came after October 2020 have none.
  CHECK(found_in("900101-5000000") == Found{"kr_foreign: 900101-5000000"});
}

TEST_CASE("P-PII-02 overlapping finds are cut, not spliced", "[sdk][pii]") {
  const std::string text = "abcdefghij";
  const auto spans = resolve_pii(text, {span(4, 10, PiiType::kPhone, 0.6), span(0, 6, PiiType::kEmail, 0.9)});
  REQUIRE(spans.size() == 2);
  CHECK(spans[0] == PiiSpan{0, 6, 0, 6, PiiType::kEmail, 0.9});
  CHECK(spans[1] == PiiSpan{6, 10, 6, 10, PiiType::kPhone, 0.6});
  CHECK(mask_pii(text, spans) == "<EMAIL><PHONE>");
  const std::string comma = "x abcdef, y";
  CHECK(mask_pii(comma, resolve_pii(comma, {span(2, 8, PiiType::kCard, 0.5), span(2, 5, PiiType::kPhone, 0.5)})) ==
        "x <CARD>, y");
}

TEST_CASE("P-PII-03 a find within another: all of the longer one goes, under the surer name", "[sdk][pii]") {
  const std::string text = "01234567890123456789";
  for (const auto& order : {std::vector{span(6, 17, PiiType::kPhone, 0.1), span(6, 11, PiiType::kIpv4, 1.0)},
                            std::vector{span(6, 11, PiiType::kIpv4, 1.0), span(6, 17, PiiType::kPhone, 0.1)}}) {
    const auto spans = resolve_pii(text, order);
    REQUIRE(spans.size() == 1);
    CHECK(spans[0] == PiiSpan{6, 17, 6, 17, PiiType::kIpv4, 1.0});
  }
}

TEST_CASE("P-PII-04 letters beyond ASCII in an address", "[sdk][pii]") {
  CHECK(masked("write to josé.núñez@example.com today") == "write to <EMAIL> today");
  CHECK(masked("김철수@example.co.kr") == "<EMAIL>");
  CHECK(masked("메일은 hong@example.co.kr입니다") == "메일은 <EMAIL>입니다");
  CHECK(masked("문의: 예시@예시.한국으로") == "문의: <EMAIL>으로");
  CHECK(masked("a@b.com이고c@d.com") == "<EMAIL><EMAIL>");
  CHECK(found_in("O’Brien").empty());  // names are not told by their form
}

TEST_CASE("P-PII-05 offsets in bytes and in code points", "[sdk][pii]") {
  const std::string text = "안녕 010-1234-5678 끝";
  CHECK(masked(text) == "안녕 <PHONE> 끝");
  const auto spans = scan_pii(text);
  REQUIRE(spans.size() == 1);
  CHECK(std::tie(spans[0].begin, spans[0].end) == std::make_tuple(7U, 20U));
  CHECK(std::tie(spans[0].begin_point, spans[0].end_point) == std::make_tuple(3U, 16U));
  // Broken UTF-8 around it: each bad byte is one code point.
  const auto broken = scan_pii("\xFF\xEC\x95 010-1234-5678\xFF");
  REQUIRE(broken.size() == 1);
  CHECK(std::tie(broken[0].begin, broken[0].end) == std::make_tuple(4U, 17U));
  CHECK(std::tie(broken[0].begin_point, broken[0].end_point) == std::make_tuple(4U, 17U));
}

TEST_CASE("P-PII-06 masking a second time changes nothing", "[sdk][pii]") {
  const std::vector<std::string> pieces = {"mail hong@example.com",
                                           "010-1234-5678로",
                                           "card 4111 1111 1111 1111,",
                                           "10.1.2.3",
                                           "GB82 WEST 1234 5698 7654 32",
                                           "457-55-5462",
                                           "2001:db8::8a2e:370:7334",
                                           "https://joe:secret@example.com/x",
                                           "plain words",
                                           "+44 20 7946 0958.",
                                           "010203-3000008"};
  Rng rng(3);
  for (int line = 0; line < 100; ++line) {
    std::string text;
    for (std::uint64_t i = 0, n = 1 + rng.below(5); i < n; ++i)
      text += pieces[rng.below(pieces.size())] + (rng.below(4) == 0 ? "" : " ");
    const std::string once = masked(text);
    CHECK(scan_pii(once).empty());
    CHECK(masked(once) == once);
  }
}

TEST_CASE("numbers with a checksum agree with python-stdnum", "[sdk][pii]") {
  std::ifstream file(std::string(TEMPER_SOURCE_DIR) + "/tests/reference/pii/pii_reference.json");
  const auto reference = nlohmann::json::parse(file);
  std::map<std::string, int> valid, invalid;
  for (const auto& [type, cases] : reference.items()) {
    for (const auto& one : cases) {
      const std::string text = one["text"];
      const Found expected = one["valid"] ? Found{type + ": " + text} : Found{};
      Found found = found_in("It is " + text + "입니다.");
      std::erase_if(found, [&](const auto& entry) { return !entry.starts_with(type + ":"); });
      INFO(type << " " << text);
      CHECK(found == expected);
      ++(one["valid"] ? valid : invalid)[type];
    }
  }
  for (const char* type : {"card", "iban", "kr_rrn", "us_ssn"}) {
    CHECK(valid[type] >= 10);
    CHECK(invalid[type] >= 10);
  }
}

TEST_CASE("phones, Korean, North American and others", "[sdk][pii]") {
  for (const std::string phone :
       {"010-1234-5678",       "010 1234 5678",   "01012345678",       "011-123-4567",    "02-123-4567",
        "02) 1234-5678",       "031-123-4567",    "070-1234-5678",     "(415) 555-2671",  "415-555-2671",
        "415.555.2671",        "1-415-555-2671",  "345-899-3560x4587", "+1 415-555-2671", "+82-10-1234-5678",
        "+46 (0)8 928 571 38", "+447700 921 916", "001-984-182-0190",  "07700 063 966",   "03.93.92.16.85",
        "0490 75 40 81"}) {
    CHECK(found_in("전화 " + phone + "로 연락") == Found{"phone: " + phone});
    CHECK(found_in("Call " + phone + ".") == Found{"phone: " + phone});
  }
  for (const char* other :
       {"1999-2001", "2020-10-01", "01.02.2003", "115-555-2671", "415-155-2671", "3.141592653", "1606435200",
        "12-415-555-2671-9", "978-0-306-40615-7", "+1", "010-12-345", "5,000,000,000", "12:30:45"}) {
    CHECK(found_in(std::string("It says ") + other + " here") == Found{});
  }
}

TEST_CASE("addresses of machines", "[sdk][pii]") {
  CHECK(found_in("from 106.31.73.20에서") == Found{"ipv4: 106.31.73.20"});
  CHECK(found_in("at 10.0.0.1:8080, ok") == Found{"ipv4: 10.0.0.1"});
  CHECK(found_in("2001:db8:0:0:8a2e:0:370:7334는") == Found{"ipv6: 2001:db8:0:0:8a2e:0:370:7334"});
  CHECK(found_in("fe80::1ff:fe23:4567:890a.") == Found{"ipv6: fe80::1ff:fe23:4567:890a"});
  for (const char* other : {"v1.2.3.4", "1.2.3.4.5", "256.1.1.1", "127.0.0.1", "0.0.0.0", "12:34:56", "bad::face",
                            "std::vector::iterator", "00:1b:44:11:3a:b7", "::1"}) {
    CHECK(found_in(std::string("see ") + other + " there").empty());
  }
  for (const char* text : {"version 1.2.3.4", "Version: 10.0.19.41", "firmware 4.1.0.7", "Section 2.3.1.4", "§ 1.2.3.4",
                           "release 12.1.0.2", "버전 5.6.7.8을 쓴다"}) {
    CHECK(found_in(text).empty());
  }
  CHECK(found_in("the server 10.0.19.41 of version 2") == Found{"ipv4: 10.0.19.41"});
}

TEST_CASE("keys and credentials", "[sdk][pii]") {
  const std::string letters = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4";
  for (const auto& secret :
       {key("AKI", "AIOSFODNN7EXAMPLE"), key("gh", "p_" + letters.substr(0, 36)), key("xo", "xb-123456789012-abcdefGHIJKL"),
        key("s", "k-" + letters), key("sk", "-proj-" + letters), key("AI", "za" + letters.substr(0, 35)),
        key("h", "f_" + letters.substr(0, 34)), key("sk", "_live_" + letters.substr(0, 24)),
        key("ey", "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N")}) {
    CHECK(found_in("KEY=" + secret + "을 쓴다") == Found{"api_key: " + secret});
    CHECK(found_in("\"" + secret + "\"") == Found{"api_key: " + secret});
  }
  CHECK(found_in("sk-learn-is-a-library-for-python-users").empty());
  CHECK(found_in("task-force-one-hundred-and-twenty").empty());
  CHECK(found_in("see https://joe:pa55word@example.com/inbox now") ==
        Found{"url_credentials: https://joe:pa55word@example.com"});
  CHECK(found_in("postgres://u:p@10.1.2.3:5432/db") == Found{"url_credentials: postgres://u:p@10.1.2.3:5432"});
  CHECK(found_in("GET https://api.example.com/v1?q=1&api_key=0123456789abcdef&x=2") ==
        Found{"url_credentials: https://api.example.com/v1?q=1&api_key=0123456789abcdef"});
  CHECK(found_in("https://example.com/a?page=2 and http://example.com:8080/@user").empty());
  const std::string block =
      key("-----BEGIN RSA PRIV", "ATE KEY-----\nMIIBOgIBAAJBAK\nabc+/=\n-----END RSA PRIVATE KEY-----");
  CHECK(found_in("x\n" + block + "\ny") == Found{"private_key: " + block});
  const std::string cut = key("-----BEGIN PRIV", "ATE KEY-----\nMIIBOgIBAAJBAK\nabc+/=\n");
  CHECK(found_in(cut + "!") == Found{"private_key: " + cut});
}

TEST_CASE("what is not an address, a card or an IBAN", "[sdk][pii]") {
  for (const char* text :
       {"icon@2x.png", "@handle said", "a@localhost", "5 @ 3.50", "4111111111111112", "1234 5678 9012 3456",
        "GB82WEST12345698765433", "ZZ82WEST12345698765432", "GB82 WEST 12 345698765432"}) {
    CHECK(found_in(text).empty());
  }
  CHECK(found_in("IBAN: GB82 WEST 1234 5698 7654 32, thanks") == Found{"iban: GB82 WEST 1234 5698 7654 32"});
  CHECK(found_in("pay 4111 1111 1111 1111 12 times") == Found{"card: 4111 1111 1111 1111"});
  CHECK(found_in("no. 123 4111-1111-1111-1111번") == Found{"card: 4111-1111-1111-1111"});
}

TEST_CASE("finds far inside long texts: places are noted, not only the first one", "[sdk][pii]") {
  const std::string prose =
      "Nothing is to be found in this sentence, not even at 10:30 on 12-05-1999 or by user_name: it's 5 - 6. ";
  const std::vector<std::string> kinds = {"hong@example.com",
                                          "010-1234-5678",
                                          "+44 20 7946 0958",
                                          "4111 1111 1111 1111",
                                          "106.31.73.20",
                                          "GB82 WEST 1234 5698 7654 32",
                                          "457-55-5461",
                                          "fe80::1ff:fe23:4567:890a",
                                          "https://joe:pa55word@example.com",
                                          "010203-3000008",
                                          "900101 \u2013 5000000",
                                          key("AKI", "AIOSFODNN7EXAMPLE"),
                                          key("glp", "at-a1B2c3D4e5F6g7H8i9J0")};
  std::string text;
  for (int round = 0; round < 3; ++round) {
    for (const auto& kind : kinds) text += prose + "Here " + kind + " stands. ";
  }
  const auto found = found_in(text);
  REQUIRE(found.size() == 3 * kinds.size());
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i].ends_with(": " + kinds[i % kinds.size()]));
  CHECK(found_in("telephone number:        5551234 and 전화번호 555 1234") == Found{"phone: 5551234", "phone: 555 1234"});
}

TEST_CASE("scanning takes linear time", "[sdk][pii]") {
  // Each of these would be slow under a careless pattern: long words, digits, dots, colons, at signs.
  for (const std::string unit :
       {"a", "1", "1 ", "a.", ":", "@", "a@", "1-", "+1", "(", "eyJ", "http://a:", "-----BEGIN ", "é"}) {
    std::string text;
    while (text.size() < 200000) text += unit;
    CHECK(scan_pii(text + " hong@example.com").size() < 100000);
  }
}

TEST_CASE("any bytes can be scanned: spans are in order, apart, and of whole characters", "[sdk][pii]") {
  const std::vector<std::string> pieces = {"a@b.co",
                                           "010-1234-5678",
                                           "4111111111111111",
                                           "://u:p@h",
                                           "\xFF",
                                           "\xEC\x95",
                                           "한",
                                           "é",
                                           "eyJ",
                                           "+82 ",
                                           "::1",
                                           "1.2.3.4",
                                           "-----BEGIN PRIVATE KEY-----",
                                           " ",
                                           "-",
                                           "\0"};
  Rng rng(6);
  for (int trial = 0; trial < 2000; ++trial) {
    std::string text;
    for (std::uint64_t i = rng.below(12); i > 0; --i) {
      text += rng.below(3) == 0 ? std::string(1, static_cast<char>(rng.below(256))) : pieces[rng.below(pieces.size())];
    }
    std::size_t end = 0, end_point = 0;
    for (const auto& span : scan_pii(text)) {
      REQUIRE(span.begin >= end);
      REQUIRE(span.begin < span.end);
      REQUIRE(span.end <= text.size());
      REQUIRE(span.begin_point >= end_point);
      REQUIRE(span.end_point - span.begin_point <= span.end - span.begin);
      end = span.end;
      end_point = span.end_point;
    }
    const std::string once = masked(text);
    REQUIRE(masked(once) == once);
  }
}

TEST_CASE("made-up sentences annotated by others: precision and recall of each type", "[sdk][pii][real]") {
  const auto path = shared_data("cleaning/pii_synthetic.json");
  if (path.empty()) return;
  const std::map<std::string, std::string> names = {{"EMAIL_ADDRESS", "email"}, {"CREDIT_CARD", "card"},
                                                    {"IBAN_CODE", "iban"},      {"IP_ADDRESS", "ipv4"},
                                                    {"US_SSN", "us_ssn"},       {"PHONE_NUMBER", "phone"}};
  struct Tally {
    int annotated = 0, hit = 0, found = 0, right = 0;
  };
  std::map<std::string, Tally> tallies;
  std::ifstream file(path);
  for (const auto& row : nlohmann::json::parse(file)) {
    const std::string text = row["full_text"];
    // Annotations count code points. A hit covers the annotated span; a find is right if it touches one of its type.
    std::vector<std::tuple<std::string, std::size_t, std::size_t>> wanted;
    for (const auto& one : row["spans"]) {
      const auto name = names.find(one["entity_type"]);
      if (name != names.end()) wanted.emplace_back(name->second, one["start_position"], one["end_position"]);
    }
    const auto spans = scan_pii(text);
    for (const auto& [type, begin, end] : wanted) {
      Tally& tally = tallies[type];
      ++tally.annotated;
      bool hit = false;
      for (const auto& found : spans)
        hit = hit || (pii_name(found.type) == type && found.begin_point <= begin && found.end_point >= end);
      tally.hit += hit;
      if (!hit) UNSCOPED_INFO("missed " << type << " in: " << text);
    }
    for (const auto& found : spans) {
      const std::string type(pii_name(found.type));
      Tally& tally = tallies[type];
      ++tally.found;
      bool right = false;
      for (const auto& [other, begin, end] : wanted)
        right = right || (other == type && found.begin_point < end && begin < found.end_point);
      tally.right += right;
      if (!right)
        UNSCOPED_INFO("no " << type << ": " << text.substr(found.begin, found.end - found.begin) << " in: " << text);
    }
  }
  for (const auto& [type, tally] : tallies) {
    UNSCOPED_INFO(type << ": " << tally.hit << " of " << tally.annotated << " found, " << tally.right << " of "
                       << tally.found << " finds right");
  }
  for (const char* type : {"email", "iban", "ipv4", "us_ssn"}) {
    CHECK(tallies[type].hit == tallies[type].annotated);
    CHECK(tallies[type].right == tallies[type].found);
    CHECK(tallies[type].annotated > 0);
  }
  // Missed cards begin or end as no issuer's do; missed phones are groups of digits that could be anything.
  CHECK(tallies["card"].annotated == 97);
  CHECK(tallies["card"].hit >= 91);
  CHECK(tallies["card"].right == tallies["card"].found);
  CHECK(tallies["phone"].annotated == 59);
  CHECK(tallies["phone"].hit >= 49);
  CHECK(tallies["phone"].right == tallies["phone"].found);
  for (const char* type : {"private_key", "api_key", "url_credentials", "kr_rrn", "kr_foreign", "ipv6"}) {
    CHECK(tallies[type].found == 0);
  }
}
