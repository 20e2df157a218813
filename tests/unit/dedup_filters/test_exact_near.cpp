// Whole documents that stand twice.
#include <catch.h>

#include "exact_dedup.h"
#include "near_dedup.h"
#include "support.h"

using namespace temper;
using namespace temper::filters;
using namespace temper::test;

using Numbers = std::vector<std::size_t>;

TEST_CASE("exact_dedup keeps the first of equal texts and says which it was") {
  ExactDedup filter({"text", "drop"});
  const auto results = run_filter(filter, documents_of({"one", "two", "one", "One ", "one"}));
  CHECK(results[2].drop);
  CHECK(results[2].reason == "copy");
  CHECK(results[2].partner == std::uint64_t{0});
  CHECK(results[4].cluster == std::uint64_t{0});
  CHECK(results[0].cluster == std::uint64_t{0});
  CHECK_FALSE(results[1].cluster);
  CHECK_FALSE(results[3].drop);
  ExactDedup folding({"folded", "drop"});
  CHECK(kept_by(folding, {"one", "two", "One ", "caf\xC3\xA9", "cafe\xCC\x81"}) == Numbers{0, 1, 3});
  ExactDedup marking({"text", "mark"});
  CHECK(kept_by(marking, {"a", "a"}) == Numbers{0, 1});
}

TEST_CASE("texts shorter than a shingle are compared as a whole (P-DEDUP-01)") {
  NearDedup filter({}, {"."});
  CHECK(kept_by(filter, {"cat", "dog", "cat"}) == Numbers{0, 1});
  NearDedup other({}, {"."});
  CHECK(kept_by(other, {"!!!", "???", "!!!"}) == Numbers{0, 1});  // no words at all
}

TEST_CASE("candidates are verified by their true similarity (P-DEDUP-06)") {
  // One hash function a band: nearly everything that shares anything is a candidate.
  NearDedupParams params;
  params.threshold = 0.7;
  params.bands = 128;
  params.ngram = 1;
  // 40 of 100 words in common: Jaccard 0.4; 90 of 110: 0.818.
  const std::string text = words(0, 70), far = words(30, 70), near = words(7, 70);
  NearDedup filter(params, {"."});
  const auto results = run_filter(filter, documents_of({text, far, near}));
  CHECK_FALSE(results[1].drop);
  CHECK(results[2].drop);
  CHECK(results[2].score == Approx(63.0 / 77).epsilon(1e-12));
  CHECK(results[2].partner == std::uint64_t{0});
  const auto figures = filter.figures();
  CHECK(figures[0].second > figures[1].second);  // compared and confirmed are both told
  CHECK(figures[1].second == 1);
}

TEST_CASE("clusters are transitive, and the copy that stays is the first or the longest") {
  NearDedupParams params;
  params.threshold = 0.6;
  params.ngram = 1;
  params.bands = 64;
  // A chain: neighbours share 80 of 120, the ends only 60 of 140.
  const std::vector<std::string> chain = {words(0, 100), words(20, 100), words(40, 101), words(5000, 100)};
  NearDedup first(params, {"."});
  CHECK(kept_by(first, chain) == Numbers{0, 3});
  params.keep = "longest";
  NearDedup longest(params, {"."});
  const auto results = run_filter(longest, documents_of(chain));
  CHECK(results[0].drop);
  CHECK(results[1].drop);
  CHECK_FALSE(results[2].drop);
  CHECK(results[2].cluster == std::uint64_t{0});
}

TEST_CASE("thousands of copies of one text are one cluster, without all pairs") {
  std::vector<std::string> texts;
  for (int i = 0; i < 3000; ++i) texts.push_back(i % 2 == 0 ? words(0, 60) : words(1000, 60));
  NearDedup filter({}, {"."});
  CHECK(kept_by(filter, texts) == Numbers{0, 1});
  CHECK(filter.figures()[0].second < 10000);
}

TEST_CASE("band lists that do not fit into memory give the same clusters from the scratch folder") {
  std::vector<std::string> texts;
  for (int i = 0; i < 500; ++i) texts.push_back(words(i % 100 * 50, 60 + i / 100));
  NearDedup roomy({}, {"."});
  const auto expected = kept_by(roomy, texts);
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "temper_near_dedup_spill";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  Filter::Args args{"."};
  args.scratch_dir = folder.string();
  args.memory_bytes = 10000;
  NearDedup tight({}, args);
  CHECK(kept_by(tight, texts) == expected);
  CHECK(std::filesystem::exists(folder / "band-0"));
  std::filesystem::remove_all(folder);
}
