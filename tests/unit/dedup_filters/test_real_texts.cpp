// Shakespeare's plays, which stand there in a modern edition and in the spelling of the First Folio: what is the same play
// has to be found, what is another play has to be kept. Needs the texts that setup.sh fetches.
#include <catch.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "exact_dedup.h"
#include "near_dedup.h"
#include "shingles.h"
#include "support.h"
#include "temper/hash.h"

using namespace temper;
using namespace temper::filters;
using namespace temper::test;
namespace fs = std::filesystem;

namespace {

struct Play {
  std::string name, text;
};

/// Empty, after a warning, where the texts are not there.
std::vector<Play> plays() {
  const fs::path folder = fs::path(TEMPER_SOURCE_DIR) / ".deps/texts/shakespeare";
  std::vector<Play> all;
  if (!fs::exists(folder)) {
    WARN("SKIPPED: " + folder.string() + " is not there; scripts/setup.sh fetches it");
    return all;
  }
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt" && entry.path().filename() != "metadata.txt") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    // The licence in front is the same in all of them.
    std::string body = text.str();
    for (const char* mark : {"*END THE SMALL PRINT", "*END*THE SMALL PRINT", "*** START OF TH"}) {
      if (const auto at = body.find(mark); at != std::string::npos) body = body.substr(body.find('\n', at) + 1);
    }
    all.push_back({path.stem().string(), body});
  }
  return all;
}

std::vector<std::string> texts_of(const std::vector<Play>& all) {
  std::vector<std::string> texts;
  for (const auto& play : all) texts.push_back(play.text);
  return texts;
}

}  // namespace

TEST_CASE("modern and folio editions of a play are near copies, different plays are not") {
  const auto all = plays();
  if (all.empty()) return;
  NearDedupParams params;
  params.unit = "character";
  params.ngram = 5;
  params.threshold = 0.42;
  params.bands = 64;
  params.action = "mark";
  NearDedup filter(params, {"."});
  const auto results = run_filter(filter, documents_of(texts_of(all)));
  std::map<std::uint64_t, std::vector<std::string>> clusters;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].cluster) clusters[*results[i].cluster].push_back(all[i].name);
  }
  std::size_t editions = 0;
  for (const auto& play : all) editions += play.name.ends_with("_f") ? 1 : 0;
  CHECK(editions == 35);
  CHECK(clusters.size() == editions);
  for (const auto& [number, names] : clusters) {
    INFO(names.front() << " and " << names.back());
    REQUIRE(names.size() == 2);
    CHECK(names[0].ends_with("_f") != names[1].ends_with("_f"));
    // "macbeth_gut" and "macbeth_gut_f"; a few are spelled in their own way, but begin alike.
    CHECK((names[0][0] == names[1][0] || names[0].find("titus") != std::string::npos));
  }
}

TEST_CASE("every passage of the plays that stands twice is found, and nothing else") {
  const auto all = plays();
  if (all.empty()) return;
  std::vector<std::string> paragraphs;
  for (const auto& play : all) {
    std::istringstream lines(play.text);
    std::string paragraph;
    for (std::string line; std::getline(lines, line);) {
      if (line.find_first_not_of(" \t\r") != std::string::npos) {
        paragraph += line + "\n";
      } else if (!paragraph.empty()) {
        paragraphs.push_back(paragraph);
        paragraph.clear();
      }
    }
  }
  REQUIRE(paragraphs.size() > 10000);
  ExactDedup exact({"text", "drop"});
  const auto results = run_filter(exact, documents_of(paragraphs));
  std::map<std::string, std::size_t> first;
  std::size_t copies = 0;
  for (std::size_t i = 0; i < paragraphs.size(); ++i) {
    const auto [seen, fresh] = first.try_emplace(sha256_hex(paragraphs[i]), i);
    copies += fresh ? 0 : 1;
    if (results[i].drop == fresh) FAIL("paragraph " << i);
    if (!fresh && results[i].partner != std::uint64_t{seen->second}) FAIL("partner of paragraph " << i);
  }
  CHECK(copies > 1000);
}

TEST_CASE("near copies of paragraphs are found as often as their similarity promises") {
  const auto all = plays();
  if (all.empty()) return;
  std::vector<std::string> texts;
  for (const auto& play : all) {
    for (std::size_t at = 0; at + 2000 < play.text.size() && texts.size() < 1500; at += 20000)
      texts.push_back(play.text.substr(at, 2000));
  }
  const std::size_t originals = texts.size();
  // Copies with a few words changed.
  for (std::size_t i = 0; i < originals; ++i) {
    std::string copy = texts[i];
    for (std::size_t at = 100; at < copy.size(); at += 400) {
      const auto space = copy.find(' ', at);
      if (space != std::string::npos) copy.insert(space, " verily");
    }
    texts.push_back(copy);
  }
  NearDedupParams params;
  params.threshold = 0.7;
  params.bands = 32;
  NearDedup filter(params, {"."});
  const auto results = run_filter(filter, documents_of(texts));
  std::size_t alike = 0, found = 0, wrong = 0;
  for (std::size_t i = 0; i < originals; ++i) {
    const double similarity =
        jaccard(shingle_set(texts[i], Unit::kWord, 5), shingle_set(texts[originals + i], Unit::kWord, 5));
    if (similarity >= params.threshold) ++alike;
    if (results[originals + i].drop) (similarity >= params.threshold ? found : wrong) += 1;
  }
  INFO(alike << " alike, " << found << " found, " << wrong << " wrong");
  CHECK(alike > 100);
  CHECK(wrong == 0);
  CHECK(static_cast<double>(found) >= 0.99 * static_cast<double>(alike));
}
