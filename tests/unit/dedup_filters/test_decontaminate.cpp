// Passages of evaluation sets in training texts.
#include <catch.h>

#include <fstream>

#include "decontaminate.h"
#include "support.h"

using namespace temper;
using namespace temper::filters;
using namespace temper::test;

namespace {

struct EvalFile {
  std::filesystem::path path;
  explicit EvalFile(const std::string& name, const std::string& content)
      : path(std::filesystem::temp_directory_path() / ("temper_decontaminate_" + name)) {
    std::ofstream(path) << content;
  }
  ~EvalFile() { std::filesystem::remove(path); }
};

const std::string kQuestion = "At which hour of the evening does the old ferryman lock the gate behind the mill?";

DecontaminateParams against(const EvalFile& file) {
  DecontaminateParams params;
  params.against = {file.path.string()};
  return params;
}

}  // namespace

TEST_CASE("a document that holds thirteen words of an evaluation text goes, whatever its case and punctuation") {
  const EvalFile file("a.jsonl", "{\"question\": \"" + kQuestion + "\", \"answer\": \"nine\"}\n");
  Decontaminate filter(against(file), {"."});
  const std::string inside = "As they say: which hour of the EVENING does the old ferryman, lock the gate behind it";
  const std::string shorter = "which hour of the evening does the old ferryman lock the door";
  const auto results = run_filter(filter, documents_of({inside, shorter, "Nothing of the kind."}));
  CHECK(results[0].drop);
  CHECK(results[0].reason == "contaminated");
  REQUIRE(results[0].spans.size() == 1);
  CHECK(results[0].spans[0].type == "temper_decontaminate_a");
  CHECK(inside.substr(results[0].spans[0].begin, results[0].spans[0].end - results[0].spans[0].begin) ==
        "which hour of the EVENING does the old ferryman, lock the gate behind");
  CHECK_FALSE(results[1].drop);
  CHECK_FALSE(results[2].drop);
  CHECK(results[2].score == 0);
}

TEST_CASE("short evaluation texts count as a whole, very short ones not at all") {
  const EvalFile file("b.txt", "one two three four five six seven eight nine\njust four words here\n");
  Decontaminate filter(against(file), {"."});
  CHECK(filter.texts() == 1);
  CHECK(kept_by(filter, {"zero one two three four five six seven eight nine ten", "just four words here"}) ==
        std::vector<std::size_t>{1});
}

TEST_CASE("layout that many evaluation texts share is not looked for") {
  std::string rows;
  const std::string layout = "Read the following passage and then answer the question that stands below it in one word";
  for (int i = 0; i < 20; ++i) rows += "{\"q\": \"" + layout + " " + words(i * 100, 15) + "\"}\n";
  const EvalFile file("c.jsonl", rows);
  Decontaminate filter(against(file), {"."});
  CHECK(kept_by(filter, {layout, words(300, 15)}) == std::vector<std::size_t>{0});
}

TEST_CASE("fields choose what of a row is an evaluation text, and arrays are read") {
  const EvalFile file("d.json", "[\n {\"q\": \"" + kQuestion + "\",\n  \"note\": \"" + words(0, 20) + "\"}\n]\n");
  auto params = against(file);
  Decontaminate all(params, {"."});
  CHECK(kept_by(all, {kQuestion, words(0, 20)}).empty());
  params.fields = {"q"};
  Decontaminate some(params, {"."});
  CHECK(kept_by(some, {kQuestion, words(0, 20)}) == std::vector<std::size_t>{1});
}

TEST_CASE("evaluation files that say nothing are refused") {
  const EvalFile empty("e.txt", "too short\n"), broken("f.jsonl", "{\"q\": \n");
  CHECK_THROWS_AS(Decontaminate(against(empty), {"."}), DataError);
  CHECK_THROWS_AS(Decontaminate(against(broken), {"."}), DataError);
  DecontaminateParams missing;
  missing.against = {"no_such_file.jsonl"};
  CHECK_THROWS_AS(Decontaminate(missing, {"."}), DataError);
}

TEST_CASE("places can be taken out instead") {
  const EvalFile file("g.txt", kQuestion + "\n");
  auto params = against(file);
  params.action = "remove";
  Decontaminate filter(params, {"."});
  const auto documents = documents_of({"Before. " + kQuestion + " After."});
  CHECK(filtered(documents, run_filter(filter, documents))[0].text == "Before. ? After.");
}
