// How far the filter pii reaches on sentences that others have annotated, and what it takes ordinary writing for. The table
// stands in its README. Skipped without the shared data.
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "catch.h"
#include "pii_filter.h"

using namespace temper;
using namespace temper::pii_filter;
using nlohmann::json;

namespace {

struct Tally {
  int annotated = 0, found = 0, exact = 0, touched = 0;
  double f1() const { return annotated + found == 0 ? 0 : 2.0 * exact / (annotated + found); }
};

std::vector<FilterSpan> marks(const PiiFilter& filter, const std::string& text) {
  return filter.judge({"1", text, "test:1"}).spans;
}

/// Byte at which each code point begins, and the end.
std::vector<std::size_t> places(const std::string& text) {
  std::vector<std::size_t> begins;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) begins.push_back(i);
  }
  begins.push_back(text.size());
  return begins;
}

int finds(const PiiFilter& filter, const std::string& text, std::map<std::string, int>& by_type) {
  const auto spans = marks(filter, text);
  for (const auto& span : spans) ++by_type[span.type];
  return static_cast<int>(spans.size());
}

PiiFilter marking() {
  PiiParams params;
  params.action = "mark";
  return PiiFilter(params, {"/"});
}

}  // namespace

TEST_CASE("made-up sentences annotated by others: exact spans of each type", "[pii][real]") {
  const auto path = shared_data("cleaning/pii_synthetic.json");
  if (path.empty()) return;
  const std::map<std::string, std::string> names = {
      {"EMAIL_ADDRESS", "email"}, {"CREDIT_CARD", "card"},   {"IBAN_CODE", "iban"}, {"IP_ADDRESS", "ipv4"},
      {"US_SSN", "us_ssn"},       {"PHONE_NUMBER", "phone"}, {"PERSON", "name"},    {"STREET_ADDRESS", "address"}};
  const auto filter = marking();
  std::map<std::string, Tally> tallies;
  std::ifstream file(path);
  for (const auto& row : json::parse(file)) {
    const std::string text = row["full_text"];
    const auto at = places(text);
    std::vector<std::tuple<std::string, std::size_t, std::size_t>> wanted;
    for (const auto& one : row["spans"]) {
      const std::string annotated = one["entity_type"];
      const auto name = names.find(annotated);
      const std::string type = name == names.end() ? annotated : name->second;
      wanted.emplace_back(type, at[one["start_position"].get<std::size_t>()], at[one["end_position"].get<std::size_t>()]);
      ++tallies[type].annotated;
    }
    for (const auto& span : marks(filter, text)) {
      Tally& tally = tallies[span.type];
      ++tally.found;
      for (const auto& [type, begin, end] : wanted) {
        if (type != span.type) continue;
        tally.exact += begin == span.begin && end == span.end;
        tally.touched += begin < span.end && span.begin < end;
      }
    }
  }
  for (const auto& [type, tally] : tallies) {
    UNSCOPED_INFO(type << ": annotated " << tally.annotated << ", found " << tally.found << ", exact " << tally.exact
                       << ", touched " << tally.touched << ", F1 " << tally.f1());
  }
  for (const char* type : {"email", "card", "iban", "us_ssn", "ipv4"}) {
    CHECK(tallies[type].f1() >= 0.95);
    CHECK(tallies[type].touched == tallies[type].found);
  }
  CHECK(tallies["phone"].f1() >= 0.9);
  CHECK(tallies["phone"].touched == tallies["phone"].found);
  // Without a list there is nothing to tell them by.
  CHECK(tallies["name"].found == 0);
  CHECK(tallies["address"].found == 0);
  if (std::getenv("TEMPER_SHOW") != nullptr) {
    for (const auto& [type, tally] : tallies) {
      WARN(type << ": annotated " << tally.annotated << ", found " << tally.found << ", exact " << tally.exact << ", F1 "
                << tally.f1());
    }
  }
}

TEST_CASE("ordinary writing holds hardly any finds", "[pii][real]") {
  const auto web = shared_data("corpus/c4_sample.jsonl"), play = shared_data("corpus/tinyshakespeare.txt"),
             articles = shared_data("corpus/wikipedia_sample.txt"),
             korean = shared_data("corpus/korean_wiki_paragraphs.jsonl");
  if (web.empty() || play.empty() || articles.empty() || korean.empty()) return;
  const auto filter = marking();
  const auto count = [&](const std::string& path, bool rows) {
    std::map<std::string, int> by_type;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
      finds(filter, rows ? json::parse(line).at("text").get<std::string>() : line, by_type);
    }
    return by_type;
  };
  CHECK(count(play, false).empty());
  CHECK(count(articles, false).empty());
  CHECK(count(korean, true).empty());
  auto on_the_web = count(web, true);
  const int phones = on_the_web["phone"], mails = on_the_web["email"], addresses = on_the_web["ipv4"];
  CAPTURE(phones, mails, addresses);
  CHECK(phones <= 25);
  CHECK(mails <= 12);
  on_the_web.erase("phone");
  on_the_web.erase("email");
  int others = 0;
  for (const auto& [type, finds_of] : on_the_web) others += finds_of;
  CHECK(others <= 3);
}

TEST_CASE("numbers that are no personal data", "[pii][real]") {
  const auto filter = marking();
  for (const char* text :
       {"version 1.2.3.4 of 2019-05-12 10:20:30", "Section 2.3.1.4", "order 113-3456789-1234567", "order no. 2025550123",
        "order number 1234-5678-9012", "ISBN 978-0-306-40615-7", "page 123-456-7890", "tracking 1Z999AA10123456784",
        "Matthew 12:1-8, 13:44-52", "37.7749, -122.4194", "serial 0123-4567-8901", "from 1914-1918 and 1939-1945",
        "0.01 0.02 0.03 0.0345", "the years 1990 1991 1992 1993", "1,000,000,000 people", "score 3-2, 4-1, 0-0",
        "제2조 1항 3.4.5", "std::vector<int>::iterator", "$1,234,567.89"}) {
    INFO(text);
    CHECK(marks(filter, text).empty());
  }
}
