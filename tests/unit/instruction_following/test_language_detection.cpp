// Language detection on short texts of our own and on the Universal Declaration in the shared data.
#include <algorithm>
#include <fstream>
#include <map>

#include "language_detection.h"
#include "support.h"

using namespace temper::instruction_following;

namespace {
std::string code_of(const std::string& text) { return detect_language(text).code; }
}  // namespace

TEST_CASE("scripts of one language decide by themselves") {
  CHECK(code_of("안녕하세요, 반갑습니다. SRE 팀") == "ko");
  CHECK(code_of("สวัสดีครับ") == "th");
  CHECK(code_of("こんにちは、世界。今日は良い天気です。") == "ja");
  CHECK(code_of("我们今天来学习这个问题。") == "zh-cn");
  CHECK(code_of("我們今天來學習這個問題。") == "zh-tw");
  CHECK(code_of("Καλημέρα σας") == "el");
}

TEST_CASE("languages that share a script are told apart") {
  CHECK(code_of("The house is small but we like it.") == "en");
  CHECK(code_of("La casa es pequeña pero nos gusta mucho.") == "es");
  CHECK(code_of("A casa é pequena mas nós gostamos muito dela.") == "pt");
  CHECK(code_of("Das Haus ist klein, aber wir mögen es sehr.") == "de");
  CHECK(code_of("Nyumba hii ni ndogo lakini sisi watu wa hapa tunaipenda sana.") == "sw");
  CHECK(code_of("Ngôi nhà này nhỏ nhưng chúng tôi rất thích nó.") == "vi");
  CHECK(code_of("Этот дом маленький, но мы его очень любим.") == "ru");
  CHECK(code_of("Цей будинок маленький, але ми його дуже любимо.") == "uk");
  CHECK(code_of("Къщата е малка, но ние много я харесваме.") == "bg");
  CHECK(code_of("यह घर छोटा है लेकिन हम इसे बहुत पसंद करते हैं।") == "hi");
  CHECK(code_of("हे घर लहान आहे पण आम्हाला ते खूप आवडते आणि त्या.") == "mr");
  CHECK(code_of("यो घर सानो छ तर हामी यसलाई धेरै मन पराउँछौं।") == "ne");
  CHECK(code_of("این خانه کوچک است اما ما آن را دوست داریم") == "fa");
  CHECK(code_of("یہ گھر چھوٹا ہے لیکن ہم اسے پسند کرتے ہیں") == "ur");
  CHECK(code_of("هذا البيت صغير لكن نحن نحبه كثيرا في كل يوم") == "ar");
}

TEST_CASE("no letters and too few words are told apart") {
  CHECK(detect_language("12345!!!").detection == Detection::kNoText);
  CHECK(detect_language("").detection == Detection::kNoText);
  CHECK(detect_language("etchings").detection == Detection::kUndecided);
  CHECK(detect_language("zzzz qqqq xxxx wwww").detection == Detection::kUndecided);
}

TEST_CASE("all languages of the published checker's detector are known") {
  CHECK(known_languages().size() == 55);
  CHECK(std::is_sorted(known_languages().begin(), known_languages().end()));
}

TEST_CASE("the Universal Declaration is recognised in all its translations") {
  const std::string path = shared_data("cleaning/language_id_udhr.jsonl");
  if (path.empty()) return;
  const std::map<std::string, std::string> codes = {
      {"afr", "af"}, {"arb", "ar"},    {"bul", "bg"},         {"ben", "bn"},        {"cat", "ca"},
      {"ces", "cs"}, {"cym", "cy"},    {"dan", "da"},         {"deu", "de"},        {"ell_monotonic", "el"},
      {"eng", "en"}, {"spa", "es"},    {"est", "et"},         {"pes_1", "fa"},      {"fin", "fi"},
      {"fra", "fr"}, {"guj", "gu"},    {"heb", "he"},         {"hin", "hi"},        {"hrv", "hr"},
      {"hun", "hu"}, {"ind", "id"},    {"ita", "it"},         {"jpn", "ja"},        {"kan", "kn"},
      {"kor", "ko"}, {"lit", "lt"},    {"lav", "lv"},         {"mkd", "mk"},        {"mal", "ml"},
      {"mar", "mr"}, {"nep", "ne"},    {"nld", "nl"},         {"nob", "no"},        {"pan", "pa"},
      {"pol", "pl"}, {"por_PT", "pt"}, {"por_BR", "pt"},      {"ron", "ro"},        {"rus", "ru"},
      {"slk", "sk"}, {"slv", "sl"},    {"als", "sq"},         {"swe", "sv"},        {"swh", "sw"},
      {"tam", "ta"}, {"tha", "th"},    {"tgl", "tl"},         {"tur", "tr"},        {"ukr", "uk"},
      {"urd", "ur"}, {"vie", "vi"},    {"cmn_hans", "zh-cn"}, {"cmn_hant", "zh-tw"}};
  std::ifstream file(path);
  std::size_t seen = 0;
  for (std::string line; std::getline(file, line);) {
    const auto row = nlohmann::json::parse(line);
    const auto wanted = codes.find(row.at("lang").get<std::string>());
    if (wanted == codes.end()) continue;
    ++seen;
    INFO(wanted->first);
    CHECK(code_of(row.at("text").get<std::string>()) == wanted->second);
  }
  CHECK(seen == codes.size());
}
