// Terms found and not found, and what becomes of the document.
#include <catch.h>

#include <filesystem>
#include <fstream>

#include "temper/testing.h"
#include "toxicity.h"

using namespace temper;
using namespace temper::filters;

namespace {

struct File {
  std::filesystem::path path;
  File(const std::string& name, const std::string& content)
      : path(std::filesystem::temp_directory_path() / ("temper_toxicity_" + name)) {
    std::ofstream(path, std::ios::binary) << content;
  }
  ~File() { std::filesystem::remove(path); }
};

Document document(const std::string& text) { return {"d", text, "test:1"}; }

std::vector<std::string> found(const Toxicity& filter, const std::string& text) {
  std::vector<std::string> terms;
  for (const auto& span : filter.judge(document(text)).spans)
    terms.push_back(text.substr(span.begin, span.end - span.begin));
  return terms;
}

using Terms = std::vector<std::string>;

}  // namespace

TEST_CASE("terms are whole words, in any case, alone or several in a row") {
  const File list("a.txt", "# a comment\ncunt\nDarn it\n\nsh\xC3\xAFt\n");
  ToxicityParams params;
  params.lexicon = {list.path.string()};
  const Toxicity filter(params, {"."});
  CHECK(found(filter, "Scunthorpe is a town in Lincolnshire.").empty());
  CHECK(found(filter, "You CUNT, darn  IT all!") == Terms{"CUNT", "darn  IT"});
  CHECK(found(filter, "darn that, it is late").empty());
  CHECK(found(filter, "shi\xCC\x88t") == Terms{"shi\xCC\x88t"});  // the same in another Unicode form
  CHECK(filter.judge(document("a cunt")).drop);
  CHECK(filter.judge(document("a cunt")).reason == "terms");
  CHECK_FALSE(filter.judge(document("a town")).drop);
}

TEST_CASE("Hangul terms are found inside words, one-syllable ones only alone") {
  const std::string fool = "\xEB\xB0\x94\xEB\xB3\xB4", dog = "\xEA\xB0\x9C";  // two syllables, one syllable
  const File list("b.txt", fool + "\n" + dog + "\n");
  ToxicityParams params;
  params.lexicon = {list.path.string()};
  const Toxicity filter(params, {"."});
  CHECK(found(filter, "\xEB\x84\x88\xEB\x8A\x94 " + fool + "\xEC\x95\xBC!") == Terms{fool});
  CHECK(found(filter, dog + "\xEB\x82\x98\xEB\xA6\xAC").empty());
  CHECK(found(filter, "(" + dog + ")") == Terms{dog});
  params.inside_hangul = false;
  CHECK(found(Toxicity(params, {"."}), fool + "\xEC\x95\xBC").empty());
}

TEST_CASE("spelling tricks are undone where that is asked for") {
  const File list("c.txt", "bastard\nass\n");
  ToxicityParams params;
  params.lexicon = {list.path.string()};
  CHECK(found(Toxicity(params, {"."}), "you b4stard").empty());
  params.tricks = true;
  const Toxicity filter(params, {"."});
  CHECK(found(filter, "you b4st@rd! and b.a.s.t.a.r.d, baaastard") == Terms{"b4st@rd", "b.a.s.t.a.r.d", "baaastard"});
  CHECK(found(filter, "a55 pass 455").empty());  // too short a term to be guessed at
  CHECK(found(filter, "mustard custard 1984").empty());
}

TEST_CASE("limits, masking and marking") {
  const File list("d.txt", "darn\n");
  ToxicityParams params;
  params.lexicon = {list.path.string()};
  params.max_count = 1;
  params.max_share = 0.1;
  const Toxicity filter(params, {"."});
  CHECK_FALSE(filter.judge(document("darn")).drop);
  CHECK(filter.judge(document("darn darn")).drop);
  CHECK_FALSE(
      filter
          .judge(document("darn darn and then a great many words that are quite harmless, one after the other, until "
                          "two are few of them all"))
          .drop);
  params = {};
  params.lexicon = {list.path.string()};
  params.action = "mask";
  const Toxicity masking(params, {"."});
  const auto result = masking.judge(document("Darn it"));
  CHECK_FALSE(result.drop);
  CHECK(apply_spans("Darn it", result.spans) == "**** it");
  params.action = "mark";
  CHECK(apply_spans("Darn it", Toxicity(params, {"."}).judge(document("Darn it")).spans) == "Darn it");
}

TEST_CASE("a trained classifier judges whole texts, and long ones by their worst window") {
  std::vector<LabelledText> rows;
  for (int i = 0; i < 40; ++i) {
    rows.push_back({"you are a horrible awful person number " + std::to_string(i), "toxic"});
    rows.push_back({"what a lovely garden with flowers number " + std::to_string(i), "fine"});
  }
  const auto model = TextClassifier::train(rows, {});
  const File file("model.tcl", model.to_bytes());
  ToxicityParams params;
  params.model = file.path.string();
  params.labels = {"toxic"};
  params.window = 10;
  const Toxicity filter(params, {"/"});
  CHECK(filter.judge(document("you horrible awful person")).drop);
  CHECK(filter.judge(document("you horrible awful person")).reason == "classifier");
  std::string garden;
  for (int i = 0; i < 60; ++i) garden += "what a lovely garden with flowers ";
  CHECK_FALSE(filter.judge(document(garden)).drop);
  CHECK(filter.judge(document(garden + "you are a horrible awful person " + garden)).drop);
  params.labels = {"tocix"};
  CHECK_THROWS_WITH(Toxicity(params, {"/"}), ContainsSubstring("toxic"));
  params.model = "/no/such/model";
  CHECK_THROWS_AS(Toxicity(params, {"/"}), DataError);
}

TEST_CASE("the published lists load, and leave ordinary words alone") {
  const std::string english = shared_data("cleaning/profanity_en.txt"), korean = shared_data("cleaning/profanity_ko.txt");
  if (english.empty() || korean.empty()) return;
  ToxicityParams params;
  params.lexicon = {english, korean};
  const Toxicity filter(params, {""});
  for (const char* text : {"Scunthorpe United played Sussex and Essex; the assistant assessed the class.",
                           "The cockpit of the shuttlecock was full of peacocks.", "Dickens wrote about Pip."}) {
    CHECK(found(filter, text).empty());
  }
  CHECK_FALSE(found(filter, "what the fuck").empty());
}
