// Ledgers read back: the same totals as when they were written, and stories for people.
#include <catch.h>

#include <nlohmann/json.hpp>

#include "host/clean/ledger.h"
#include "support.h"

using namespace temper;
using namespace temper::clean;
using namespace temper::test;

TEST_CASE("totals counted from a ledger equal those of the cleaning") {
  const Folder folder;
  std::vector<Document> documents;
  for (int i = 0; i < 200; ++i) {
    documents.push_back({std::to_string(i),
                         std::string(1, static_cast<char>('a' + i % 26)) +
                             (i % 4 == 0   ? " x x"
                              : i % 9 == 0 ? " bad"
                                           : "") +
                             std::string(i % 40 == 7 ? 0U : 1U, '.'),
                         "f:" + std::to_string(i + 1)});
  }
  documents.push_back({"blank", "  ", "f:201"});
  Settings settings;
  settings.work = folder / "work";
  settings.threads = 2;
  const auto summary = run_filters(
      [&] { return std::make_unique<ListStream>(documents); }, {plan<Editor>("editor"), plan<FirstLetter>("letter")},
      [&](const std::string& mark) { return jsonl_sink("", folder / "out.jsonl", Packing::kNone, 1, mark); }, settings,
      nullptr, nullptr);
  auto stats = ledger_stats(folder / "work/ledger.jsonl", 2);
  REQUIRE(stats.summary.filters.size() == summary.filters.size());
  for (std::size_t i = 0; i < summary.filters.size(); ++i) {
    // What a ledger does not hold.
    stats.summary.filters[i].plugin = summary.filters[i].plugin;
    stats.summary.filters[i].figures = summary.filters[i].figures;
    if (summary.filters[i].name == "blank")
      stats.summary.filters[i].documents = summary.filters[i].documents, stats.summary.filters[i].bytes_in = 0;
  }
  CHECK(summary_json(stats.summary).dump(1) == summary_json(summary).dump(1));
  CHECK(stats.samples.at("letter").size() == 2);
  CHECK(summary_json(summary_of(summary_json(summary))) == summary_json(summary));

  std::string story;
  read_ledger(folder / "work/ledger.jsonl", [&](const auto& row) {
    if (row.at("id") == "26") story = story_of(row);
  });
  CHECK_THAT(story,
             ContainsSubstring("cluster of 0") && ContainsSubstring("same_letter") && ContainsSubstring("in the end: drop"));
}

TEST_CASE("files that are no ledger are refused with their line") {
  const Folder folder;
  std::ofstream(folder / "a.jsonl") << "{\"id\": 1, \"filters\": {}, \"verdict\": \"keep\", \"bytes\": 3}\nnot json\n";
  CHECK_THROWS_WITH(ledger_stats(folder / "a.jsonl", 0), ContainsSubstring("a.jsonl:2"));
  CHECK_THROWS_AS(ledger_stats(folder / "none.jsonl", 0), DataError);
}

TEST_CASE("excerpts of dropped documents hold nobody's data") {
  const Folder folder;
  struct DropAll final : Filter, DocumentFilter {
    FilterResult judge(const Document&) const override { return {true, "all", 1}; }
  };
  const std::string padding(140, 'a');
  const std::vector<Document> documents = {{"1", padding + " write to mary.smith@example.org today", "f:1"}};
  Settings settings;
  settings.work = folder / "work";
  run_filters([&] { return std::make_unique<ListStream>(documents); }, {plan<DropAll>("all")},
              [&](const std::string& mark) { return jsonl_sink("", folder / "out.jsonl", Packing::kNone, 1, mark); },
              settings, nullptr, nullptr);
  const std::string ledger = read(folder / "work/ledger.jsonl");
  CHECK(ledger.find("mary") == std::string::npos);
  CHECK(ledger.find("<EMAIL>") != std::string::npos);
}
