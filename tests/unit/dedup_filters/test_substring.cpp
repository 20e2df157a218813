// Passages that stand twice.
#include <catch.h>

#include "substring_dedup.h"
#include "support.h"
#include "temper/random.h"

using namespace temper;
using namespace temper::filters;
using namespace temper::test;

namespace {

std::vector<std::string> cleaned(const SubstringDedupParams& params, const std::vector<std::string>& texts,
                                 std::uint64_t memory = std::uint64_t{1} << 30) {
  Filter::Args args{"."};
  args.memory_bytes = memory;
  SubstringDedup filter(params, args);
  const auto documents = documents_of(texts);
  std::vector<std::string> result;
  for (const auto& document : filtered(documents, run_filter(filter, documents))) result.push_back(document.text);
  return result;
}

}  // namespace

TEST_CASE("a passage of words stays where it stands first and goes from where it stands again") {
  SubstringDedupParams params;
  params.min_length = 8;
  const std::string passage = "The Quick brown fox jumps over the lazy dog today.";
  const auto texts = cleaned(
      params, {"Before it. " + passage + " After.", "Elsewhere: the quick, brown fox jumps over the lazy dog TODAY! More."});
  CHECK(texts[0] == "Before it. " + passage + " After.");
  CHECK(texts[1] == "Elsewhere: More.");  // case and punctuation do not hide a copy
  CHECK(cleaned(params, {passage, "the quick brown fox jumps over a lazy dog"}).size() == 2);
}

TEST_CASE("bytes are cut at whole characters") {
  SubstringDedupParams params;
  params.unit = "byte";
  params.min_length = 10;
  const std::string passage = "\xEC\x95\x88\xEB\x85\x95\xED\x95\x98\xEC\x84\xB8\xEC\x9A\x94";  // 15 bytes
  // The byte before the passage is a lead byte's share in both: \xEA begins different characters.
  const auto texts = cleaned(params, {"1" + passage + "2", "3" + passage + "4"});
  CHECK(texts[0] == "1" + passage + "2");
  CHECK(texts[1] == "34");
  const auto cut = cleaned(params, {"abcdefghij\xEC\x95\x88", "abcdefghij\xEC\x95\x89!"});
  CHECK(cut[1] == "\xEC\x95\x89!");  // two of the character's three bytes are shared, none is cut off
}

TEST_CASE("a text that repeats itself keeps its first occurrence whole") {
  SubstringDedupParams params;
  params.min_length = 5;
  const std::string verse = "one two three four five six";
  const auto texts = cleaned(params, {verse + ". " + verse + ". " + verse + ". The end."});
  CHECK(texts[0] == verse + ". The end.");
}

TEST_CASE("marking changes nothing and says where") {
  SubstringDedupParams params;
  params.min_length = 5;
  params.action = "mark";
  SubstringDedup filter(params, {"."});
  const auto results = run_filter(filter, documents_of({words(0, 9), "x " + words(0, 9)}));
  REQUIRE(results[1].spans.size() == 1);
  CHECK_FALSE(results[1].spans[0].replacement);
  CHECK(results[1].spans[0].begin == 2);
  CHECK(results[1].score > 0.8);
}

TEST_CASE("pieces find the same passages as the whole, and the first occurrence is the corpus's") {
  Rng rng(11);
  std::vector<std::string> texts;
  for (int i = 0; i < 60; ++i) {
    std::string text = words(static_cast<int>(rng.below(100000)), 30);
    if (i % 3 == 0) text += " " + words(5, 25);
    if (i % 7 == 0) text += " " + words(900000, 12) + " " + words(5, 14);
    texts.push_back(text);
  }
  SubstringDedupParams params;
  params.min_length = 10;
  const auto whole = cleaned(params, texts);
  for (const std::uint64_t memory : {std::uint64_t{1} << 14, std::uint64_t{1} << 15, std::uint64_t{1} << 16}) {
    Filter::Args args{"."};
    args.memory_bytes = memory;
    SubstringDedup filter(params, args);
    const auto documents = documents_of(texts);
    std::vector<std::string> pieced;
    for (const auto& document : filtered(documents, run_filter(filter, documents))) pieced.push_back(document.text);
    CHECK(filter.figures()[1].second > 1);
    CHECK(pieced == whole);
  }
}

TEST_CASE("the memory is said before the search, and whether it is done in pieces") {
  SubstringDedupParams params;
  Filter::Args args{"."};
  for (const std::uint64_t memory : {std::uint64_t{1} << 30, std::uint64_t{1} << 20}) {
    args.memory_bytes = memory;
    SubstringDedup filter(params, args);
    const auto documents = documents_of(std::vector<std::string>(100, words(0, 999)));
    for (std::size_t i = 0; i < documents.size(); ++i) filter.add(i, filter.digest(documents[i]));
    // A hundred documents of 999 words, a separator behind each; 29 bytes a word.
    CHECK_THAT(filter.needs(), ContainsSubstring("all 100000 words takes 3 MB"));
    const bool in_pieces = filter.needs().find("1 MB that it may hold, so ") != std::string::npos;
    CHECK(in_pieces == (memory == std::uint64_t{1} << 20));
  }
}

TEST_CASE("every repeated passage of random texts is found, by comparing all places with all") {
  Rng rng(5);
  SubstringDedupParams params;
  params.unit = "byte";
  params.min_length = 4;
  params.action = "mark";
  for (int round = 0; round < 20; ++round) {
    std::vector<std::string> texts(4);
    std::string all;
    for (auto& text : texts) {
      for (int i = 0; i < 30; ++i) text += static_cast<char>('a' + rng.below(3));
      all += text + '\xFF';
    }
    // A place is repeated if some occurrence of `min_length` bytes covers it that stands, not overlapping, behind an earlier
    // one.
    std::vector<bool> expected(all.size());
    for (std::size_t at = 0; at + 4 <= all.size(); ++at) {
      const std::string part = all.substr(at, 4);
      if (part.find('\xFF') != std::string::npos) continue;
      if (all.find(part) + 4 <= at) std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(at), 4, true);
    }
    SubstringDedup filter(params, {"."});
    const auto results = run_filter(filter, documents_of(texts));
    std::vector<bool> found(all.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      for (const auto& span : results[i].spans) {
        std::fill(found.begin() + static_cast<std::ptrdiff_t>(i * 31 + span.begin),
                  found.begin() + static_cast<std::ptrdiff_t>(i * 31 + span.end), true);
      }
    }
    CHECK(found == expected);
  }
}
