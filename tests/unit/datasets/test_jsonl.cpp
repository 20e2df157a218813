// The jsonl dataset: every row format, ids, bad rows, what is asked of the wrong format.
#include <nlohmann/json.hpp>

#include "catch.h"
#include "jsonl_dataset.h"
#include "rows.h"
#include "temp_files.h"

using namespace temper;
using namespace temper::dataset_jsonl;

namespace {

struct Made {
  TempFolder folder;
  JsonlParams params;
  explicit Made(const std::string& text, const std::string& name = "a.jsonl") {
    folder.write(name, text);
    params.path = {name};
  }
  JsonlDataset set() const { return JsonlDataset(params, {folder.path(), 0}); }
  auto documents() const { return all(set().documents(Split::kTrain)); }
  auto instructions() const { return all(set().instructions(Split::kTrain)); }
  auto preferences() const { return all(set().preferences(Split::kTrain)); }
  auto items(Split split = Split::kTest) const { return all(set().items(split)); }
};

}  // namespace

TEST_CASE("documents with ids of their own or of their line", "[datasets][jsonl]") {
  Made made("{\"id\": \"first\", \"text\": \"one\"}\n{\"text\": \"two \\ud55c\"}\n{\"id\": 7, \"text\": \"\"}\n");
  const auto rows = made.documents();
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].id == "first");
  CHECK(rows[1].id == "a.jsonl:2");
  CHECK(rows[1].text == "two \xed\x95\x9c");
  CHECK(rows[2].id == "7");
  CHECK(all(made.set().documents(Split::kTest)).empty());
  made.params.text_field = "id";
  CHECK_THROWS_WITH(made.documents(), ContainsSubstring("a.jsonl:2") && ContainsSubstring("field 'id' is missing"));
  made.params.text_field = "text";
  made.params.id_field = "name";
  CHECK_THROWS_WITH(made.documents(), ContainsSubstring("id_field"));
}

TEST_CASE("instruction rows: Alpaca, prompt and completion, chat, ShareGPT", "[datasets][jsonl]") {
  const Made made(R"([
    {"instruction": "Add.", "input": "1 2", "output": "3"},
    {"instruction": "Hi.", "input": "", "output": "Hello."},
    {"prompt": "Say a.", "completion": "a"},
    {"prompt": "Say b.", "response": "b", "system": "Be brief."},
    {"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}, {"role": "assistant", "content": "A"}]},
    {"conversations": [{"from": "human", "value": "U"}, {"from": "gpt", "value": "A"}]}
  ])",
                  "a.json");
  const auto rows = made.instructions();
  REQUIRE(rows.size() == 6);
  CHECK(rows[0].messages[0].content == "Add.\n\n1 2");
  CHECK(rows[0].messages[1].role == "assistant");
  CHECK(rows[0].messages[1].content == "3");
  CHECK(rows[1].messages[0].content == "Hi.");
  CHECK(rows[2].messages[1].content == "a");
  CHECK(rows[3].messages[0].role == "system");
  CHECK(rows[3].messages[2].content == "b");
  CHECK(rows[4].messages.size() == 3);
  CHECK(rows[5].messages[0].role == "user");
  CHECK(rows[5].messages[1].role == "assistant");
}

TEST_CASE("instruction rows that are none are refused", "[datasets][jsonl]") {
  const auto complaint = [](const std::string& row, const std::string& expected) {
    const Made made(row);
    CHECK_THROWS_AS(made.instructions(), DataError);
    CHECK_THROWS_WITH(made.instructions(), ContainsSubstring("a.jsonl:1: ") && ContainsSubstring(expected));
  };
  complaint(R"({"instruction": "x"})", "field 'output' is missing");
  complaint(R"({"instruction": "x", "output": 3})", "field 'output' is number");
  complaint(R"({"text": "x"})", "no instruction row (fields here: text)");
  complaint(R"({"messages": []})", "list of chat turns");
  complaint(R"({"messages": [{"role": "tool", "content": "x"}]})", "chat role 'tool' is unknown");
  complaint(R"({"messages": [{"role": "user", "content": "x"}]})", "no assistant turn");
}

TEST_CASE("preference pairs: with a prompt, as turns, and as HH dialogues", "[datasets][jsonl]") {
  const Made made(R"({"prompt": "P", "chosen": "good", "rejected": "bad", "dimension": "safety"}
{"conversations": [{"from": "human", "value": "P"}], "chosen": {"from": "gpt", "value": "good"}, "rejected": {"from": "gpt", "value": "bad"}}
{"chosen": "\n\nHuman: one\n\nAssistant: two\n\nHuman: three\n\nAssistant: good", "rejected": "\n\nHuman: one\n\nAssistant: two\n\nHuman: three\n\nAssistant:"}
{"chosen": "\n\nHuman: one\n\nAssistant: a\n\nAssistant: b", "rejected": "\n\nHuman: one\n\nAssistant: c"}
)");
  const auto rows = made.preferences();
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].dimension == "safety");
  for (int i = 0; i < 3; ++i) CHECK(rows[static_cast<std::size_t>(i)].chosen == "good");
  CHECK(rows[1].rejected == "bad");
  CHECK(rows[2].rejected.empty());
  REQUIRE(rows[2].prompt.size() == 3);
  CHECK(rows[2].prompt[1].content == "two");
  CHECK(rows[2].prompt[2].content == "three");
  CHECK(rows[3].chosen == "a\n\nb");
  const auto complaint = [](const std::string& row, const std::string& expected) {
    CHECK_THROWS_WITH(Made(row).preferences(), ContainsSubstring("a.jsonl:1") && ContainsSubstring(expected));
  };
  complaint(R"({"prompt": "P", "chosen": "x"})", "field 'rejected' is missing");
  complaint(R"({"chosen": "x", "rejected": "y"})", "must begin with");
  complaint(R"({"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: c\n\nAssistant: b"})", "differ before");
  complaint(R"({"chosen": "\n\nHuman: a", "rejected": "\n\nHuman: a"})", "must end with an Assistant turn");
}

TEST_CASE("items keep what their evaluator needs", "[datasets][jsonl]") {
  Made made(R"({"key": 12, "prompt": "P", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
{"question": "2+2?", "answer": 4, "task": "sums"}
{"messages": [{"role": "user", "content": "U"}, {"role": "assistant", "content": "A"}]}
)");
  const auto rows = made.items();
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].id == "12");
  CHECK(rows[0].task == "instruction_following");
  CHECK(nlohmann::json::parse(rows[0].attributes_json)["instruction_id_list"][0] == "punctuation:no_comma");
  CHECK(rows[1].reference == "4");
  CHECK(rows[1].task == "sums");
  CHECK(rows[1].id == "a.jsonl:2");
  CHECK(rows[2].prompt.size() == 1);
  CHECK(made.items(Split::kTrain).size() == 3);
  made.params.prompt_field = "ask";
  CHECK_THROWS_WITH(made.items(), ContainsSubstring("field 'ask' is missing"));
}

TEST_CASE("CSV rows with a header are rows like others", "[datasets][jsonl]") {
  TempFolder folder;
  const std::string text =
      "\xef\xbb\xbfid,question,answer,\"a, b\"\r\n1,\"Say \"\"hi\"\", now\",Hi,\"line 1\nline 2\"\r\n\n2,Why?,,x\"y\"";
  folder.write("a.csv", text);
  folder.write("b.csv.gz", gzip("prompt,cluster\nP,c1\n"));
  JsonlParams params;
  params.path = {"a.csv", "b.csv.gz"};
  const auto items = all(JsonlDataset(params, {folder.path(), 0}).items(Split::kTest));
  REQUIRE(items.size() == 3);
  CHECK(items[0].id == "1");
  CHECK(items[0].prompt[0].content == "Say \"hi\", now");
  CHECK(items[0].reference == "Hi");
  CHECK(nlohmann::json::parse(items[0].attributes_json).at("a, b") == "line 1\nline 2");
  CHECK_THAT(items[1].source, ContainsSubstring("a.csv:5"));
  CHECK(items[1].reference.empty());
  CHECK(nlohmann::json::parse(items[1].attributes_json).at("a, b") == "x\"y\"");
  CHECK(items[0].cluster.empty());
  CHECK(items[2].cluster == "c1");
  CHECK_FALSE(nlohmann::json::parse(items[2].attributes_json).contains("cluster"));
  params.path = {"c.csv"};
  const auto complains = [&](const std::string& csv, const std::string& expected) {
    folder.write("c.csv", csv);
    CHECK_THROWS_WITH(all(JsonlDataset(params, {folder.path(), 0}).items(Split::kTest)), ContainsSubstring(expected));
  };
  complains("prompt,prompt\na,b\n", "names the column 'prompt' twice");
  complains("prompt\n\"a\n", "c.csv:2: a quote that opens in this row is never closed");
  complains("prompt\na,b\n", "c.csv:2: the row has 2 fields, the header has 1");
  complains("prompt\n\"a\"b\n", "text behind the closing quote of field 1");
  complains("prompt\n\xff\n", "not UTF-8");
  complains("prompt\n", "holds no record");
  params.on_error = "skip";
  folder.write("c.csv", "prompt\na,b\n\"c\"d\ne\n");
  CHECK(all(JsonlDataset(params, {folder.path(), 0}).items(Split::kTest)).size() == 1);
}

TEST_CASE("broken rows end the run, or are skipped", "[datasets][jsonl]") {
  Made made("{\"text\": \"one\"}\n{\"text\": \"tw\n[1]\n{\"text\": \"\xff\"}\n{\"text\": \"last\"}\n");
  CHECK_THROWS_WITH(made.documents(), ContainsSubstring("a.jsonl:2: broken JSON") && ContainsSubstring("on_error"));
  made.params.on_error = "skip";
  const auto rows = made.documents();
  REQUIRE(rows.size() == 2);
  CHECK(rows[1].text == "last");
  const Made array("[{\"text\": \"one\"}, {\"text\": }, {\"text\": \"two\"}, 3]", "a.json");
  CHECK_THROWS_WITH(array.documents(), ContainsSubstring("a.json:1: broken JSON"));
  Made skip("[{\"text\": \"one\"},\n {\"text\": },\n {\"text\": \"two\"},\n 3, {\"text\": \"\xff\"}]", "a.json");
  skip.params.on_error = "skip";
  CHECK(skip.documents().size() == 2);
}

TEST_CASE("a fixed format gives its own rows only", "[datasets][jsonl]") {
  Made made(R"({"prompt": "P", "completion": "C", "chosen": "a", "rejected": "b", "text": "t"})");
  CHECK(made.instructions().size() == 1);
  CHECK(made.preferences().size() == 1);
  CHECK(made.documents().size() == 1);
  made.params.format = "documents";
  CHECK_THROWS_AS(made.instructions(), ConfigError);
  CHECK_THROWS_WITH(made.preferences(), ContainsSubstring("format 'documents' was asked for preference pairs"));
  CHECK_THROWS_AS(made.items(), ConfigError);
  made.params.format = "chat";
  CHECK_THROWS_AS(made.documents(), ConfigError);
  CHECK_THROWS_WITH(made.instructions(), ContainsSubstring("field 'messages' is missing"));
}

TEST_CASE("jsonl parameters bind and the fingerprint follows them", "[datasets][jsonl]") {
  Made made("{\"text\": \"one\"}\n");
  const auto table = jsonl_params();
  for (const auto& spec : table.specs()) CHECK_NOTHROW(check_spec(spec));
  const auto before = made.set().fingerprint();
  CHECK(before == made.set().fingerprint());
  made.params.text_field = "body";
  CHECK(before != made.set().fingerprint());
}

TEST_CASE("documents keep a row's other fields where they are asked to, in the quick and in the usual way") {
  const TempFolder folder;
  // The last row has a number that the quick parser leaves to the usual one.
  folder.write("a.jsonl",
               "{\"id\": 7, \"text\": \"one \\u00e9\", \"url\": \"u\\n\", \"n\": [1, 2.5, {\"k\": null}]}\n"
               "{\"text\": \"two\"}\n{\"key\": \"k\", \"text\": \"three\", \"item_id\": \"no\"}\n"
               "{\"id\": \"x\", \"text\": \"four\", \"big\": 123456789012345678901234567890}\n");
  temper::dataset_jsonl::JsonlParams params;
  params.path = {folder.path()};
  params.keep_fields = true;
  temper::dataset_jsonl::JsonlDataset dataset(params, {"", 0});
  const auto stream = dataset.documents(temper::Split::kTrain);
  std::vector<temper::Document> documents;
  for (temper::Document document; stream->next(document);) documents.push_back(document);
  REQUIRE(documents.size() == 4);
  CHECK(documents[0].id == "7");
  CHECK(documents[0].text == "one \xC3\xA9");
  CHECK(nlohmann::json::parse(documents[0].attributes_json) ==
        nlohmann::json::parse(R"({"url": "u\n", "n": [1, 2.5, {"k": null}]})"));
  CHECK(documents[1].id == "a.jsonl:2");
  CHECK(documents[1].attributes_json.empty());
  CHECK(documents[2].id == "k");
  CHECK(documents[3].text == "four");
  CHECK(documents[3].attributes_json.find("big") != std::string::npos);
}

TEST_CASE("an id that was asked for and is empty or of an odd kind is refused, as it always was") {
  for (const char* id : {"\"\"", "null", "[1]"}) {
    const TempFolder folder;
    folder.write("a.jsonl", std::string("{\"name\": ") + id + ", \"text\": \"one\"}\n");
    temper::dataset_jsonl::JsonlParams params;
    params.path = {folder.path()};
    params.id_field = "name";
    temper::dataset_jsonl::JsonlDataset dataset(params, {"", 0});
    temper::Document document;
    CHECK_THROWS_AS(dataset.documents(temper::Split::kTrain)->next(document), temper::DataError);
  }
}
