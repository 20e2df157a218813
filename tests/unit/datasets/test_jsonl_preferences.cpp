// The jsonl dataset's rankings, margins and unpaired feedback.
#include "catch.h"
#include "feedback.h"
#include "jsonl_dataset.h"
#include "temp_files.h"

using namespace temper;
using namespace temper::dataset_jsonl;

namespace {

struct Ranked {
  TempFolder folder;
  JsonlParams params;
  explicit Ranked(const std::string& text) {
    folder.write("a.jsonl", text);
    params.path = {"a.jsonl"};
  }
  auto preferences() const { return all(JsonlDataset(params, {folder.path(), 0}).preferences(Split::kTrain)); }
};

std::string ids(const std::vector<PreferencePair>& pairs) {
  std::string text;
  for (const auto& pair : pairs) text += pair.id + " " + pair.chosen + ">" + pair.rejected + " ";
  return text;
}

void complains(const std::string& row, const std::string& expected) {
  CHECK_THROWS_AS(Ranked(row).preferences(), DataError);
  CHECK_THROWS_WITH(Ranked(row).preferences(), ContainsSubstring("a.jsonl:1: ") && ContainsSubstring(expected));
}

}  // namespace

TEST_CASE("a ranking of K answers is its K(K-1)/2 pairs", "[datasets][jsonl][preferences]") {
  const auto rows = Ranked(R"({"id": "r", "prompt": "P", "responses": ["a", "b", "c"], "dimension": "safety", "margin": 0.5}
{"prompt": "Q", "chosen": "x", "rejected": "y"}
)")
                        .preferences();
  CHECK(ids(rows) == "r#1-2 a>b r#1-3 a>c r#2-3 b>c a.jsonl:2 x>y ");
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(rows[i].dimension == "safety");
    CHECK(rows[i].margin == 0.5);
    CHECK(rows[i].prompt.at(0).content == "P");
    CHECK_THAT(rows[i].source, ContainsSubstring("a.jsonl:1"));
  }
  CHECK(rows[3].margin == 0);
  CHECK(rows[3].dimension.empty());
  CHECK(rows[3].has_chosen);
  CHECK(rows[3].has_rejected);
}

TEST_CASE("ranks and scores order a ranking, ties make no pair", "[datasets][jsonl][preferences]") {
  CHECK(ids(Ranked(R"({"id": "r", "prompt": "P", "responses": ["a", "b", "c"], "ranks": [3, 1, 1]})").preferences()) ==
        "r#2-1 b>a r#3-1 c>a ");
  CHECK(ids(Ranked(R"({"id": "s", "prompt": "P", "responses": ["a", "b", "c"], "scores": [0.5, 2, -1]})").preferences()) ==
        "s#2-1 b>a s#2-3 b>c s#1-3 a>c ");
  // Equal texts cannot teach a difference; all tied is a row without pairs, and the rows behind it still come.
  CHECK(ids(Ranked(R"({"id": "t", "prompt": "P", "responses": ["a", "a", "b"]}
{"id": "u", "prompt": "P", "responses": ["a", "b"], "ranks": [1, 1]}
{"id": "v", "prompt": "P", "responses": [{"role": "assistant", "content": "a"}, "b"]}
)")
                .preferences()) == "t#1-3 a>b t#2-3 a>b v#1-2 a>b ");
}

TEST_CASE("unpaired feedback has one side", "[datasets][jsonl][preferences]") {
  const auto rows = Ranked(R"({"prompt": "P", "completion": "good", "label": true}
{"instruction": "P", "input": "I", "response": "bad", "label": false}
{"messages": [{"role": "user", "content": "U"}, {"role": "assistant", "content": "A"}], "label": 1}
)")
                        .preferences();
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].has_chosen);
  CHECK_FALSE(rows[0].has_rejected);
  CHECK(rows[0].chosen == "good");
  CHECK_FALSE(rows[1].has_chosen);
  CHECK(rows[1].has_rejected);
  CHECK(rows[1].rejected == "bad");
  CHECK(rows[1].chosen.empty());
  CHECK(rows[1].prompt.at(0).content == "P\n\nI");
  CHECK(rows[2].chosen == "A");
  REQUIRE(rows[2].prompt.size() == 1);
  CHECK(rows[2].prompt[0].content == "U");
}

TEST_CASE("feedback in fields and words of its own", "[datasets][jsonl][preferences]") {
  Ranked made(R"({"ask": "P", "said": "good", "made_up": "no"}
{"ask": "P", "said": "bad", "made_up": " yes "}
)");
  made.params.prompt_field = "ask";
  made.params.completion_field = "said";
  made.params.label_field = "made_up";
  made.params.label_values = {"no", "yes"};
  const auto rows = made.preferences();
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].has_chosen);
  CHECK(rows[0].chosen == "good");
  CHECK(rows[0].prompt.at(0).content == "P");
  CHECK_FALSE(rows[1].has_chosen);
  CHECK(rows[1].rejected == "bad");
  made.params.label_values = {"no", "maybe"};
  CHECK_THROWS_WITH(made.preferences(),
                    ContainsSubstring("a.jsonl:2: ") && ContainsSubstring("one of label_values (no, maybe)"));
  made.params.label_values = {};
  CHECK_THROWS_WITH(made.preferences(), ContainsSubstring("'made_up' is \"no\", must be true or false"));
  made.params.completion_field = "nothing";
  made.params.label_values = {"no", "yes"};
  CHECK_THROWS_WITH(made.preferences(), ContainsSubstring("field 'nothing' is missing"));
}

TEST_CASE("a layout takes prompt and answer out of one field", "[datasets][jsonl][preferences]") {
  Ranked made(R"({"prompt": "Q: Is it?\nA: It is.\nA: No.\nTrue:", "completion": " yes"}
{"prompt": "Q: \nA: \nTrue:", "completion": " no"}
)");
  made.params.format = "kto";
  made.params.label_field = "completion";
  made.params.label_values = {"yes", "no"};
  made.params.prompt_layout = "Q: {prompt}\nA: {completion}\nTrue:";
  const auto rows = made.preferences();
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].prompt.at(0).content == "Is it?");
  CHECK(rows[0].chosen == "It is.\nA: No.");
  CHECK(rows[1].prompt.at(0).content.empty());
  CHECK(rows[1].rejected.empty());
  made.params.prompt_layout = "{prompt}\nA: {completion}";
  CHECK(made.preferences()[0].chosen == "It is.\nA: No.\nTrue:");
  // Texts of the layout may not overlap: "\nA: \nTrue:" holds no room for both of these.
  for (const char* layout :
       {"{prompt}\nA: \nT{completion}\nTrue:", "X{prompt}\nA: {completion}", "{prompt}\nB: {completion}"}) {
    made.params.prompt_layout = layout;
    CHECK_THROWS_WITH(made.preferences(), ContainsSubstring("not laid out as prompt_layout says"));
  }
  CHECK(layout_problem("Q: {prompt}\nA: {completion}").empty());
  for (const char* layout :
       {"", "{prompt}", "{completion} {prompt}", "{prompt}{completion}", "{prompt} {prompt} {completion}"}) {
    CHECK_FALSE(layout_problem(layout).empty());
  }
}

TEST_CASE("rankings and feedback that are none are refused", "[datasets][jsonl][preferences]") {
  complains(R"({"prompt": "P", "responses": ["a"]})", "at least two answers");
  complains(R"({"prompt": "P", "responses": ["a", 3]})", "field 'responses' is number");
  complains(R"({"responses": ["a", "b"]})", "field 'prompt' is missing");
  complains(R"({"prompt": "P", "responses": ["a", "b"], "ranks": [1]})", "list of 2 numbers");
  complains(R"({"prompt": "P", "responses": ["a", "b"], "scores": [1, "2"]})", "must hold numbers");
  complains(R"({"prompt": "P", "responses": ["a", "b"], "ranks": [1, 2], "scores": [1, 2]})", "both 'ranks' and 'scores'");
  complains(R"({"prompt": "P", "completion": "x", "label": "yes"})", "must be true or false");
  complains(R"({"prompt": "P", "label": true})", "no answer");
  complains(R"({"messages": [{"role": "user", "content": "U"}], "label": true})", "must end with an assistant turn");
  complains(R"({"prompt": "P", "chosen": "a", "rejected": "b", "margin": -1})", "'margin' is -1");
  Ranked fixed(R"({"prompt": "P", "completion": "x"})");
  fixed.params.format = "kto";
  CHECK_THROWS_WITH(fixed.preferences(), ContainsSubstring("field 'label' is missing"));
  fixed.params.format = "rankings";
  CHECK_THROWS_WITH(fixed.preferences(), ContainsSubstring("needs 'responses'"));
  fixed.params.format = "chat";
  CHECK_THROWS_AS(fixed.preferences(), ConfigError);
}

TEST_CASE("a bad ranking is skipped whole", "[datasets][jsonl][preferences]") {
  Ranked made(R"({"id": "r", "prompt": "P", "responses": ["a", "b"], "ranks": [1]}
{"id": "s", "prompt": "P", "responses": ["a", "b"]}
)");
  made.params.on_error = "skip";
  CHECK(ids(made.preferences()) == "s#1-2 a>b ");
}
