// Fakes: of the same form, the same for the same value, nobody's, and known as fakes.
#include <algorithm>
#include <set>

#include "catch.h"
#include "fakes.h"

using namespace temper;
using namespace temper::pii_filter;

namespace {

std::string fake(PiiType type, const std::string& value, std::int64_t seed = 1) { return Fakes(seed).fake(type, value, 0); }

/// Letters and digits as "a", "A" and "0", the rest as it is.
std::string form(const std::string& text) {
  std::string shape = text;
  for (char& c : shape) {
    if (c >= '0' && c <= '9') c = '0';
    if (c >= 'a' && c <= 'z') c = 'a';
    if (c >= 'A' && c <= 'Z') c = 'A';
  }
  return shape;
}

}  // namespace

TEST_CASE("phones keep their form and move to numbers that nobody has", "[pii][fakes]") {
  for (const std::string phone :
       {"010-1234-5678", "01012345678", "011-123-4567", "02) 1234-5678", "031-123-4567", "(415) 555-2671", "415.555.2671",
        "1-415-555-2671", "345-899-3560x4587", "+1 415-555-2671", "+82-10-1234-5678", "+46 (0)8 928 571 38",
        "001-984-182-0190", "07700 063 966", "03.93.92.16.85", "555 1234", "60-56-85-91"}) {
    const std::string other = fake(PiiType::kPhone, phone);
    INFO(phone << " " << other);
    CHECK(form(other) == form(phone));
    CHECK(other != phone);
    CHECK(is_fake(PiiType::kPhone, other));
    CHECK_FALSE(is_fake(PiiType::kPhone, phone));
  }
  CHECK(fake(PiiType::kPhone, "(415) 555-2671").find(") 555-01") != std::string::npos);
  CHECK(fake(PiiType::kPhone, "010-1234-5678").starts_with("010-0"));
  CHECK(fake(PiiType::kPhone, "+44 20 7946 0958").starts_with("+99 9"));
}

TEST_CASE("numbers keep their checksums where they have one, and are not given out", "[pii][fakes]") {
  for (int i = 0; i < 50; ++i) {
    const std::string last = std::to_string(10 + i);
    const std::string card = fake(PiiType::kCard, "4111 1111 1111 11" + last);
    CHECK(card.starts_with("4000 00"));
    const auto spans = scan_pii(card);
    REQUIRE(spans.size() == 1);
    CHECK(spans[0].type == PiiType::kCard);
    CHECK(is_fake(PiiType::kCard, card));

    const std::string iban = fake(PiiType::kIban, "GB82 WEST 1234 5698 7654 " + last);
    CHECK(form(iban) == "AA00 AAAA 0000 0000 0000 00");
    CHECK(iban.starts_with("ZZ"));
    CHECK(scan_pii(iban).empty());

    for (const auto type : {PiiType::kKrRrn, PiiType::kKrForeign}) {
      const std::string resident = fake(type, "010203-30000" + last);
      CHECK(form(resident) == "000000-0000000");
      CHECK(scan_pii(resident).empty());
    }
    const std::string ssn = fake(PiiType::kUsSsn, "457 55 54" + last);
    CHECK(ssn.starts_with("666 "));
    CHECK(scan_pii(ssn).empty());
  }
}

TEST_CASE("addresses of mail and machines are reserved ones", "[pii][fakes]") {
  const std::string mail = fake(PiiType::kEmail, "Mary.Smith@company.co.uk");
  CHECK(mail.ends_with("@example.com"));
  CHECK(is_fake(PiiType::kEmail, mail));
  CHECK_FALSE(is_fake(PiiType::kEmail, "mary@example.com"));
  CHECK(mail == fake(PiiType::kEmail, "mary.smith@COMPANY.co.uk"));
  CHECK(is_fake(PiiType::kIpv4, fake(PiiType::kIpv4, "106.31.73.20")));
  CHECK(is_fake(PiiType::kIpv6, fake(PiiType::kIpv6, "fe80::1ff:fe23:4567:890a")));
  for (const std::string url :
       {"https://joe:pa55word@company.com", "https://api.company.com/v1?q=1&api_key=0123456789abcdef"}) {
    const std::string other = fake(PiiType::kUrlCredentials, url);
    INFO(other);
    CHECK(is_fake(PiiType::kUrlCredentials, other));
    CHECK(other.find("company") == std::string::npos);
    const auto spans = scan_pii(other);
    REQUIRE(spans.size() == 1);
    CHECK(spans[0].end == other.size());
  }
  const std::string key = std::string("AKI") + "AABCDEFGHIJKLMNOP";
  CHECK(fake(PiiType::kApiKey, key).starts_with("AKIA"));
  CHECK(is_fake(PiiType::kApiKey, fake(PiiType::kApiKey, key)));
}

TEST_CASE("the same value has the same fake under one seed, in whatever form it is written", "[pii][fakes]") {
  const auto digits = [](std::string text) {
    std::erase_if(text, [](char c) { return c < '0' || c > '9'; });
    return text;
  };
  CHECK(digits(fake(PiiType::kPhone, "010-1234-5678")) == digits(fake(PiiType::kPhone, "01012345678")));
  CHECK(digits(fake(PiiType::kCard, "4111-1111-1111-1111")) == digits(fake(PiiType::kCard, "4111111111111111")));
  CHECK(fake(PiiType::kEmail, "a@b.org") == fake(PiiType::kEmail, "a@b.org"));
  CHECK(fake(PiiType::kEmail, "a@b.org", 1) != fake(PiiType::kEmail, "a@b.org", 2));
  std::set<std::string> different;
  for (int i = 0; i < 1000; ++i) different.insert(fake(PiiType::kEmail, "user" + std::to_string(i) + "@b.org"));
  CHECK(different.size() == 1000);
}

TEST_CASE("made-up names go by words, capitals and final consonants", "[pii][fakes]") {
  CHECK(form(fake(kName, "Mary O’Brien")) == "Aaaa A’Aaaaa");
  CHECK(form(fake(kName, "MARY smith")) == "AAAA aaaaa");
  CHECK(form(fake(kAddress, "12 High Street")) == "00 Aaaa Aaaaaa");
  CHECK(form(fake(kName, "José")) == "Aaaa");
  const std::string korean = fake(kName, "김철수");
  REQUIRE(korean.size() == 9);
  CHECK(korean != "김철수");
}

TEST_CASE("parts of values have no fake", "[pii][fakes]") {
  for (const auto type : {PiiType::kCard, PiiType::kPhone, PiiType::kKrRrn, PiiType::kUsSsn, PiiType::kIban}) {
    for (const char* part : {"", "-", "12", "x"}) {
      CHECK(fake(type, part).empty());
      CHECK_FALSE(is_fake(type, part));
    }
  }
  CHECK(fake(PiiType::kUrlCredentials, "joe").empty());
}
