// Whole cleanings: order, ledger, totals, threads, and going on after a stop at any moment.
#include <catch.h>

#include <nlohmann/json.hpp>

#include "support.h"
#include "temper/hash.h"

using namespace temper;
using namespace temper::clean;
using namespace temper::test;
using Json = nlohmann::ordered_json;

namespace {

std::vector<Document> many_documents() {
  std::vector<Document> documents;
  for (int i = 0; i < 500; ++i) {
    std::string text = std::string(1, static_cast<char>('a' + i * 7 % 26)) + " text number " + std::to_string(i);
    if (i % 3 == 0) text += " x marks \xEC\x95\x88 x";
    if (i % 11 == 0) text += " bad";
    if (i % 50 == 0) text = i % 100 == 0 ? "" : " \n";
    documents.push_back({"d" + std::to_string(i), text, "file:" + std::to_string(i + 1),
                         i % 5 == 0 ? "{\"n\":" + std::to_string(i) + "}" : ""});
  }
  return documents;
}

struct Outcome {
  Summary summary;
  std::string texts, ledger;
};

Settings settings_of(const Folder& folder, int threads) {
  Settings settings;
  settings.work = folder / "work";
  settings.identity = "test";
  settings.threads = threads;
  settings.mark_bytes = 1000;
  settings.batch_bytes = 700;
  return settings;
}

std::vector<StepPlan> three_passes() {
  return {plan<Editor>("editor"), plan<FirstLetter>("letter"), plan<Editor>("editor_2"), plan<FirstLetter>("letter_2")};
}

Outcome clean_all(const Folder& folder, const std::vector<Document>& documents, const std::vector<StepPlan>& plans,
                  int threads, std::size_t fail_at = SIZE_MAX) {
  Outcome outcome;
  outcome.summary = run_filters(
      [&] { return std::make_unique<ListStream>(documents, fail_at); }, plans,
      [&](const std::string& mark) { return jsonl_sink("", folder / "out.jsonl", Packing::kNone, 1 << 20, mark); },
      settings_of(folder, threads), nullptr, nullptr);
  outcome.texts = read(folder / "out.jsonl");
  outcome.ledger = read(folder / "work/ledger.jsonl");
  return outcome;
}

std::vector<Json> rows_of(const std::string& lines) {
  std::vector<Json> rows;
  std::istringstream stream(lines);
  for (std::string line; std::getline(stream, line);) rows.push_back(Json::parse(line));
  return rows;
}

}  // namespace

TEST_CASE("every document has a line of the ledger, in order, and what stays is written with its fields") {
  const Folder folder;
  const auto documents = many_documents();
  const auto outcome = clean_all(folder, documents, {plan<Editor>("editor")}, 1);
  const auto ledger = rows_of(outcome.ledger);
  REQUIRE(ledger.size() == documents.size());
  const auto texts = rows_of(outcome.texts);
  std::size_t next = 0;
  for (std::size_t i = 0; i < ledger.size(); ++i) {
    CHECK(ledger[i]["id"] == documents[i].id);
    CHECK(ledger[i]["source"] == documents[i].source);
    CHECK(ledger[i]["sha256"] == sha256_hex(documents[i].text));
    const bool blank = documents[i].text.size() < 3;
    const bool dropped = blank || documents[i].text.find("bad") != std::string::npos;
    CHECK((ledger[i]["verdict"] == "drop") == dropped);
    if (blank) CHECK(ledger[i]["filters"]["blank"]["verdict"] == "drop");
    if (dropped) continue;
    CHECK(texts[next]["id"] == documents[i].id);
    if (i % 5 == 0) CHECK(texts[next]["n"] == i);
    ++next;
    for (const auto& span : ledger[i]["filters"]["editor"].value("spans", Json::array())) {
      // Characters of the text as it came.
      CHECK(span["end"].get<int>() - span["start"].get<int>() == 1);
    }
  }
  CHECK(next == texts.size());
  const Json& edited = ledger[3]["filters"]["editor"];
  CHECK(edited["verdict"] == "edit");
  CHECK(edited["spans"].back()["start"].get<std::size_t>() ==
        documents[3].text.size() - 3);  // one character is three bytes long
  CHECK(outcome.summary.documents == 500);
  CHECK(outcome.summary.kept == static_cast<std::int64_t>(texts.size()));
  CHECK(outcome.summary.filters.back().name == "blank");
  CHECK(outcome.summary.filters.back().dropped == 10);
}

TEST_CASE("filters that compare see what the filters before them left, and name documents by id") {
  const Folder folder;
  const std::vector<Document> documents = {
      {"one", "xa", "f:1"}, {"two", "yyb", "f:2"}, {"three", "bad", "f:3"}, {"four", "c", "f:4"}, {"five", "y", "f:5"}};
  const auto outcome = clean_all(folder, documents, {plan<Editor>("editor"), plan<FirstLetter>("letter")}, 2);
  const auto ledger = rows_of(outcome.ledger);
  CHECK(ledger[0]["verdict"] == "edit");  // "xa" is "yya" when the letters are compared
  CHECK(ledger[1]["filters"]["letter"]["partner"] == "one");
  CHECK(ledger[1]["filters"]["letter"]["reason"] == "same_letter");
  CHECK(ledger[4]["filters"]["letter"]["cluster"] == "one");
  CHECK_FALSE(ledger[2]["filters"].contains("letter"));
  CHECK(rows_of(outcome.texts).size() == 2);
  CHECK(outcome.summary.filters[1].documents == 4);
  CHECK(outcome.summary.filters[1].figures.at(0).second == 4);
}

TEST_CASE("filters that compare and do not edit share a pass, with the same verdicts") {
  /// Drops every second document that it sees, by its own count.
  struct Second final : Filter, CorpusFilter {
    bool quiet;
    explicit Second(bool edits_nothing) : quiet(edits_nothing) {}
    std::string digest(const Document& document) const override { return document.id; }
    void add(std::uint64_t number, std::string_view digest) override {
      if (number != ids.size()) throw PluginError("a number is left out");
      ids.emplace_back(digest);
    }
    void decide(const CorpusTexts& texts, const std::function<bool()>&) override {
      if (texts.size() != ids.size()) throw PluginError("texts and digests differ");
    }
    FilterResult result(std::uint64_t number, const Document&) const override {
      FilterResult result{number % 2 == 1, "second", static_cast<double>(number)};
      if (number > 0) result.partner = number - 1;
      return result;
    }
    bool edits() const override { return !quiet; }
    std::vector<std::string> ids;
  };
  const auto documents = many_documents();
  std::string expected;
  for (const bool quiet : {false, true}) {
    const Folder folder;
    std::vector<StepPlan> plans{plan<Editor>("editor")};
    for (const char* name : {"one", "two", "three"}) {
      plans.push_back({name, name, [quiet](const Filter::Args&) { return std::make_unique<Second>(quiet); }});
    }
    plans.push_back(plan<Editor>("editor_2"));
    const auto outcome = clean_all(folder, documents, plans, 2);
    if (quiet) CHECK_FALSE(std::filesystem::exists(folder / "work/pass-2.spool"));
    if (!quiet) expected = outcome.ledger;
    CHECK(outcome.ledger == expected);
    CHECK(outcome.summary.filters[3].documents > 50);
  }
  /// Leaves nothing for the one behind it.
  struct All final : Filter, CorpusFilter {
    std::string digest(const Document&) const override { return ""; }
    void add(std::uint64_t, std::string_view) override {}
    void decide(const CorpusTexts&, const std::function<bool()>&) override {}
    FilterResult result(std::uint64_t, const Document&) const override { return {true, "all", 0}; }
    bool edits() const override { return false; }
  };
  const Folder empty;
  const auto nothing = clean_all(
      empty, documents,
      {plan<All>("all"), {"second", "second", [](const Filter::Args&) { return std::make_unique<Second>(true); }}}, 2);
  CHECK(nothing.summary.kept == 0);
  CHECK(nothing.summary.filters[1].documents == 0);
  const Folder folder;
  const auto outcome = clean_all(folder, documents, {plan<QuietFirstLetter>("a"), plan<FirstLetter>("b")}, 2);
  CHECK(outcome.summary.filters[1].documents == outcome.summary.filters[0].documents - outcome.summary.filters[0].dropped);
  CHECK(outcome.summary.filters[1].dropped == 0);
}

TEST_CASE("the output does not depend on the number of threads") {
  const auto documents = many_documents();
  const Folder first, second;
  const auto one = clean_all(first, documents, three_passes(), 1), four = clean_all(second, documents, three_passes(), 4);
  CHECK(one.texts == four.texts);
  CHECK(one.ledger == four.ledger);
  CHECK(summary_json(one.summary) == summary_json(four.summary));
}

TEST_CASE("a cleaning that is stopped anywhere ends in the same bytes when it is started again") {
  const auto documents = many_documents();
  const Folder straight;
  const auto expected = clean_all(straight, documents, three_passes(), 2);
  for (const std::size_t stop : {0, 1, 37, 200, 333, 499}) {
    const Folder folder;
    CHECK_THROWS(clean_all(folder, documents, three_passes(), 2, stop));
    const auto outcome = clean_all(folder, documents, three_passes(), 2);
    CHECK(outcome.texts == expected.texts);
    CHECK(outcome.ledger == expected.ledger);
    CHECK(summary_json(outcome.summary) == summary_json(expected.summary));
  }
}

TEST_CASE("stops in later passes, and what a killed process wrote beyond its last mark, change nothing") {
  const auto documents = many_documents();
  const Folder straight;
  const auto expected = clean_all(straight, documents, three_passes(), 2);
  for (int stop = 1; stop < 60; stop += 13) {
    const Folder folder;
    std::atomic<bool> cancel{false};
    int left = stop;
    // Counts documents as the last filter of each pass sees them.
    struct Stopper final : Filter, DocumentFilter {
      std::atomic<bool>& cancel;
      int& left;
      Stopper(std::atomic<bool>& flag, int& count) : cancel(flag), left(count) {}
      FilterResult judge(const Document&) const override {
        if (--left == 0) cancel = true;
        return {};
      }
    };
    auto plans = three_passes();
    const auto stopping = [&](const std::string& name) {
      return StepPlan{name, name, [&](const Filter::Args&) { return std::make_unique<Stopper>(cancel, left); }};
    };
    plans.insert(plans.begin() + 3, stopping("stopper"));
    auto settings = settings_of(folder, 1);
    const auto run = [&] {
      return run_filters(
          [&] { return std::make_unique<ListStream>(documents); }, plans,
          [&](const std::string& mark) { return jsonl_sink("", folder / "out.jsonl", Packing::kNone, 1 << 20, mark); },
          settings, nullptr, &cancel);
    };
    int rounds = 0;
    while (true) {
      try {
        run();
        break;
      } catch (const Cancelled&) {
        cancel = false;
        left = stop + ++rounds;
        for (const char* name : {"work/ledger.jsonl", "out.jsonl", "work/pass-1.spool"}) {
          if (std::filesystem::exists(folder / name)) std::ofstream(folder / name, std::ios::app) << "half a li";
        }
      }
    }
    CHECK(read(folder / "out.jsonl") == expected.texts);
  }
}

TEST_CASE("a work folder of another cleaning or a damaged one is refused") {
  const Folder folder;
  const auto documents = many_documents();
  CHECK_THROWS(clean_all(folder, documents, three_passes(), 1, 300));
  auto settings = settings_of(folder, 1);
  settings.identity = "another";
  const auto source = [&] { return std::make_unique<ListStream>(documents); };
  const auto sink = [&](const std::string& mark) { return jsonl_sink("", folder / "out.jsonl", Packing::kNone, 1, mark); };
  CHECK_THROWS_AS(run_filters(source, three_passes(), sink, settings, nullptr, nullptr), ConfigError);
  std::ofstream(folder / "work/state.json") << "{\"identity\": ";
  CHECK_THROWS_AS(clean_all(folder, documents, three_passes(), 1), DataError);
}

TEST_CASE("a filter that throws or lies is named") {
  const Folder folder;
  struct Broken final : Filter, DocumentFilter {
    FilterResult judge(const Document&) const override { return {false, "", 0, {{5, 2, "t"}}}; }
  };
  const std::vector<Document> documents = {{"a", "text", "f:1"}};
  CHECK_THROWS_WITH(clean_all(folder, documents, {plan<Broken>("broken")}, 1), ContainsSubstring("[5, 2)"));
}
