// Languages told by CLD2, on the declaration of human rights and on the project's corpora.
#include <catch.h>

#include <map>
#include <set>
#include <thread>

#include "language.h"
#include "support.h"

using namespace temper;
using namespace temper::filters;
using namespace temper::test;

namespace {

/// Three-letter codes of the data and what CLD2 calls the language.
const std::map<std::string, std::string>& known_languages() {
  static const std::map<std::string, std::string> codes = {
      {"afr", "af"},        {"als", "sq"},           {"arb", "ar"},
      {"azj_latn", "az"},   {"bel", "be"},           {"ben", "bn"},
      {"bos_cyrl", "bs"},   {"bos_latn", "bs"},      {"bul", "bg"},
      {"cat", "ca"},        {"ceb", "ceb"},          {"ces", "cs"},
      {"cmn_hans", "zh"},   {"cmn_hant", "zh-hant"}, {"cym", "cy"},
      {"dan", "da"},        {"deu", "de"},           {"deu_1901", "de"},
      {"div", "dv"},        {"ell_monotonic", "el"}, {"ell_polytonic", "el"},
      {"eng", "en"},        {"est", "et"},           {"eus", "eu"},
      {"fin", "fi"},        {"fra", "fr"},           {"gla", "gd"},
      {"gle", "ga"},        {"glg", "gl"},           {"guj", "gu"},
      {"hat_kreyol", "ht"}, {"hat_popular", "ht"},   {"heb", "he"},
      {"hin", "hi"},        {"hrv", "hr"},           {"hun", "hu"},
      {"hye", "hy"},        {"ike", "iu"},           {"ind", "id"},
      {"isl", "is"},        {"ita", "it"},           {"jav", "jv"},
      {"jpn", "ja"},        {"kan", "kn"},           {"kat", "ka"},
      {"khm", "km"},        {"kin", "rw"},           {"kor", "ko"},
      {"lao", "lo"},        {"lav", "lv"},           {"lit", "lt"},
      {"lug", "lg"},        {"mal", "ml"},           {"mar", "mr"},
      {"mkd", "mk"},        {"mlt", "mt"},           {"mya", "my"},
      {"nep", "ne"},        {"nld", "nl"},           {"nno", "no"},
      {"nob", "no"},        {"nya_chechewa", "ny"},  {"nya_chinyanja", "ny"},
      {"pan", "pa"},        {"pes_1", "fa"},         {"pes_2", "fa"},
      {"pol", "pl"},        {"por_BR", "pt"},        {"por_PT", "pt"},
      {"ron", "ro"},        {"ron_1953", "ro"},      {"ron_1993", "ro"},
      {"rus", "ru"},        {"slk", "sk"},           {"slv", "sl"},
      {"sot", "st"},        {"spa", "es"},           {"srp_cyrl", "sr"},
      {"srp_latn", "sr"},   {"sun", "su"},           {"swe", "sv"},
      {"swh", "sw"},        {"tam", "ta"},           {"tgl", "tl"},
      {"tha", "th"},        {"tur", "tr"},           {"ukr", "uk"},
      {"urd", "ur"},        {"vie", "vi"},           {"ydd", "yi"}};
  return codes;
}

const std::string kEnglish =
    "The old ferryman came up the path in the rain, and he asked for bread and for the loan of a rope.";
const std::string kKorean =
    "\uB300\uD55C\uBBFC\uAD6D\uC740 \uBBFC\uC8FC\uACF5\uD654\uAD6D\uC774\uB2E4. \uB300\uD55C\uBBFC\uAD6D\uC758 "
    "\uC8FC\uAD8C\uC740 "
    "\uAD6D\uBBFC\uC5D0\uAC8C \uC788\uACE0, \uBAA8\uB4E0 \uAD8C\uB825\uC740 \uAD6D\uBBFC\uC73C\uB85C\uBD80\uD130 "
    "\uB098\uC628\uB2E4.";

}  // namespace

TEST_CASE("documents in other languages are dropped, and the reason says which") {
  const Language filter({{"en"}});
  CHECK_FALSE(verdict_on(filter, kEnglish).drop);
  CHECK(verdict_on(filter, kEnglish).score > 0.9);
  CHECK(verdict_on(filter, kKorean).drop);
  CHECK(verdict_on(filter, kKorean).reason == "language_ko");
  for (const std::string text : {"", " \n", "12345 67890", "\x01\x02", "\xFF\xFE"}) {
    CHECK(verdict_on(filter, text).drop);
    CHECK(verdict_on(filter, text).reason == "uncertain");
  }
}

TEST_CASE("without a list everything stays and the language is only noted") {
  const Language filter({});
  CHECK_FALSE(verdict_on(filter, kKorean).drop);
  CHECK(verdict_on(filter, kKorean).reason == "language_ko");
  CHECK_FALSE(verdict_on(filter, "").drop);
  CHECK(verdict_on(filter, "").score == 0);
}

TEST_CASE("old and general codes are understood, unknown ones refused") {
  const Language chinese({{"zh"}});
  CHECK_FALSE(verdict_on(chinese, repeat("\u4E2D\u83EF\u4EBA\u6C11\u5171\u548C\u570B\u7684\u570B\u5BB6\u6A5F\u69CB\u5BE6"
                                         "\u884C\u6C11\u4E3B\u96C6\u4E2D\u5236\u7684\u539F\u5247\u3002",
                                         4))
                  .drop);
  auto values = default_values(language_params().specs());
  values.set("keep", {std::vector<std::string>{"nb", "iw", "KO"}, ValueSource::kFile, "x"});
  CHECK_NOTHROW(language_params().parse(values));
  values.set("keep", {std::vector<std::string>{"english"}, ValueSource::kFile, "x"});
  CHECK_THROWS_AS(language_params().parse(values), ConfigError);
}

TEST_CASE("control characters and broken bytes do not hide a language, and only the start is looked at") {
  const std::string spoilt = "\x01\x02" + kEnglish + "\uFFFF\xFF" + kEnglish;
  CHECK(identified(spoilt, 32768).code == "en");
  CHECK(identified(kEnglish + " " + repeat(kKorean + " ", 100), kEnglish.size()).code == "en");
  CHECK(identified(kKorean, 101).code == "ko");  // a cut inside a character is none
}

TEST_CASE("threads may ask at once") {
  std::vector<std::string> found(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < found.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i)
        found[t] += identified((i + static_cast<int>(t)) % 2 == 0 ? kEnglish : kKorean, 1000).code;
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(found[0] == repeat("enko", 100));
  CHECK(found[1] == repeat("koen", 100));
  CHECK(found[2] == found[0]);
  CHECK(found[3] == found[1]);
}

TEST_CASE("89 of 90 declarations in languages that CLD2 knows are told right") {
  const std::string path = shared_data("cleaning/language_id_udhr.jsonl");
  if (path.empty()) return;
  std::size_t right = 0, all = 0;
  std::set<std::string> languages;
  for (const auto& row : rows_of(path)) {
    const auto known = known_languages().find(row["lang"]);
    if (known == known_languages().end()) continue;
    const auto found = identified(row["text"].get<std::string>(), 8192);
    ++all;
    right += found.code == known->second ? 1 : 0;
    if (found.code == known->second) languages.insert(found.code);
  }
  INFO(right << " of " << all << " in " << languages.size() << " languages");
  CHECK(all == 90);
  CHECK(right >= 89);
  CHECK(languages.size() >= 75);
  CHECK(languages.contains("en"));
  CHECK(languages.contains("ko"));
}

TEST_CASE("corpora in one language are kept whole") {
  const std::string genesis = shared_data("corpus/genesis_versions.jsonl"),
                    korean = shared_data("corpus/korean_wiki_paragraphs.jsonl");
  if (genesis.empty() || korean.empty()) return;
  for (const auto& row : rows_of(genesis)) {
    const std::string id = row["id"];
    const std::string code = id.starts_with("english")      ? "en"
                             : id.starts_with("finnish")    ? "fi"
                             : id.starts_with("french")     ? "fr"
                             : id.starts_with("german")     ? "de"
                             : id.starts_with("portuguese") ? "pt"
                                                            : "sv";
    CAPTURE(id);
    CHECK(verdict_on(Language({}), row["text"]).reason == "language_" + code);
  }
  const Language filter({{"ko"}});
  std::size_t dropped = 0, all = 0;
  for (const auto& row : rows_of(korean)) {
    ++all;
    dropped += verdict_on(filter, row["text"]).drop ? 1 : 0;
  }
  CHECK(all == 3660);
  CHECK(dropped <= 8);
}
