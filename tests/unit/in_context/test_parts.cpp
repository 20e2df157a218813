// Templates, tables, judging of answers and group scores. Numbers of P-EVAL-09 and -10 are those of the trap list.
#include <zlib.h>

#include "answers.h"
#include "context.h"
#include "groups.h"

using namespace temper;
using namespace temper::in_context;
using nlohmann::json;
using test::message_of;

TEST_CASE("a template reaches into rows and filters values") {
  const json row = {{"question", " Who? "}, {"choices", {"a", "b"}},          {"n", 3},
                    {"yes", true},          {"in", {{"x", {{"y", "deep"}}}}}, {"Best Answer", "It is."},
                    {"a.b", "dotted"},      {"subject", "abstract_algebra"},  {"none", nullptr}};
  const auto filled = [&](const std::string& text) { return TextTemplate(text).render(row); };
  CHECK(filled("Q: {{question|trim}}\nA:") == "Q: Who?\nA:");
  CHECK(filled("{{choices[1]}}{{choices[0]}} {{n}} {{ yes }}") == "ba 3 true");
  CHECK(filled("{{in.x.y}} {{Best Answer}} {{a.b}}") == "deep It is. dotted");
  CHECK(filled("{{subject | spaces}}") == "abstract algebra");
  CHECK(filled("{{Best Answer|lower|last_word}}|{{Best Answer|but_last_word}}") == "is.|It");
  CHECK(filled("").empty());
  CHECK(TextTemplate("{{choices}}").render_list(row) == std::vector<std::string>{"a", "b"});
  CHECK(TextTemplate("{{n}}").render_list(row) == std::vector<std::string>{"3"});
  const auto told = message_of<DataError>([&] { filled("{{questio}}"); });
  CHECK(told.find("'questio'") != std::string::npos);
  CHECK(told.find("did you mean 'question'") != std::string::npos);
  CHECK_THROWS_AS(filled("{{choices[2]}}"), DataError);
  CHECK_THROWS_AS(filled("{{choices}}"), DataError);
  CHECK_THROWS_AS(filled("{{none}}"), DataError);
  CHECK_THROWS_AS(filled("{{in.z}}"), DataError);
  CHECK_THROWS_AS(TextTemplate("{{open"), ConfigError);
  CHECK_THROWS_AS(TextTemplate("{{a|upper}}"), ConfigError);
  CHECK_THROWS_AS(TextTemplate("{{}}"), ConfigError);
}

TEST_CASE("rows of JSONL, CSV and text, compressed or not, know their lines") {
  const test::Files files;
  const auto jsonl = read_table(files.write("a.jsonl", "{\"x\": 1}\n\n{\"x\": [1, 2]}\n"));
  REQUIRE(jsonl.size() == 2);
  CHECK(jsonl[1].source == "a.jsonl:3");
  const auto csv =
      read_table(files.write("b.csv", "\xef\xbb\xbfq,answer\r\n\"one, \"\"two\"\"\nlines\",yes\r\nplain,\"\"\r\n"));
  REQUIRE(csv.size() == 2);
  CHECK(csv[0].fields == json{{"q", "one, \"two\"\nlines"}, {"answer", "yes"}});
  CHECK(csv[1].source == "b.csv:4");
  const auto texts =
      read_table(files.write("c.txt", "\n = A = \n\ntext\n = B = \n\n = = C = = \nmore\n"), "^ = [^=\n]+ = $");
  REQUIRE(texts.size() == 2);
  CHECK(texts[0].fields["text"] == " = A = \n\ntext\n");
  CHECK(texts[1].fields["text"] == " = B = \n\n = = C = = \nmore\n");
  CHECK(texts[1].source == "c.txt:5");
  const std::string packed = (files.folder() / "d.jsonl.gz").string();
  const gzFile out = gzopen(packed.c_str(), "wb");
  gzputs(out, "{\"x\": \"gz\"}\n");
  gzclose(out);
  CHECK(read_table(packed).at(0).fields["x"] == "gz");
}

TEST_CASE("bad data files are refused with file and line") {
  const test::Files files;
  const auto told = [&](const std::string& name, const std::string& text) {
    return message_of<DataError>([&] { read_table(files.write(name, text)); });
  };
  CHECK(told("a.jsonl", "{\"x\": 1}\n{\"x\": \n").find("a.jsonl:2: the line is not valid JSON") == 0);
  CHECK(told("b.jsonl", "[1]\n").find("b.jsonl:1: ") == 0);
  CHECK(told("c.csv", "a,b\n1,2\n1,2,3\n").find("c.csv:3: the row has 3 fields, the header 2") == 0);
  CHECK(told("d.csv", "a,b\n1,\"2\n").find("d.csv:2: a quoted field is not closed") == 0);
  CHECK(told("e.csv", "a\n\xff\n").find("e.csv:2: ") == 0);
  CHECK(told("f.parquet", "x").find(".jsonl, .csv or .txt") != std::string::npos);
  // A gzip file cut off in the middle.
  const std::string packed = (files.folder() / "g.jsonl.gz").string();
  const gzFile out = gzopen(packed.c_str(), "wb");
  for (int i = 0; i < 2000; ++i) gzprintf(out, "{\"x\": %d}\n", i * 7919);
  gzclose(out);
  std::filesystem::resize_file(packed, std::filesystem::file_size(packed) / 2);
  CHECK_THROWS_AS(read_table(packed), DataError);
}

TEST_CASE("P-EVAL-08 white space around an answer does not count") {
  Task task;
  CHECK(judge(" Paris \n", {"Paris"}, task).right);
  CHECK(judge("Paris", {" Paris\n"}, task).right);
  CHECK_FALSE(judge("paris", {"Paris"}, task).right);
  CHECK_FALSE(judge("Par is", {"Paris"}, task).right);
}

TEST_CASE("normalisation and extraction") {
  Task task;
  task.normalise = {"case", "punctuation", "articles", "spaces"};
  CHECK(judge("The  Eiffel-Tower!", {"eiffeltower"}, task).right);
  CHECK(judge("an apple", {"apple"}, task).right);
  task.normalise.clear();
  task.extract = R"(\([A-Z]\))";
  CHECK(judge("(A) or rather (B).", {"(B)"}, task).right);
  task.extract_first = true;
  CHECK(judge("(A) or rather (B).", {"(B)", "(A)"}, task).right);
  CHECK_FALSE(judge("none", {""}, task).right);
  task.extract = R"((?<=answer is )\w+)";
  CHECK(judge("So the answer is yes.", {"yes"}, task).right);
}

TEST_CASE("P-EVAL-09 numeric answers are compared as numbers") {
  Task task;
  task.numeric = true;
  CHECK(judge("$29.00", {"29"}, task).right);
  CHECK(judge("29.", {"29"}, task).right);
  CHECK_FALSE(judge("29.01", {"29"}, task).right);
  CHECK_FALSE(judge("2 9", {"29"}, task).right);
  CHECK(judge("1,234.0", {"1234"}, task).right);
  CHECK(judge("16 - 3 = 13 and\n#### 18", {"He sells 9 for $2.\n#### 18"}, task).right);
  CHECK_FALSE(judge("no number", {"29"}, task).right);
  CHECK_THROWS_AS(judge("29", {"none"}, task), DataError);
}

TEST_CASE("P-EVAL-10 micro and macro, each with its own error") {
  const MetricSpec spec{"acc", "", "Accuracy.", Better::kHigher};
  const auto part = [&](std::int64_t right, std::int64_t n) {
    const MetricValue value = proportion_metric(spec, right, n);
    return Part{value.value, value.std_error, n};
  };
  const std::vector<Part> parts = {part(50, 100), part(210, 300)};
  const MetricValue micro = micro_mean(spec, parts), macro = macro_mean(spec, parts);
  CHECK(micro.value == Approx(0.65));
  CHECK(micro.std_error == Approx(0.023514).epsilon(1e-4));
  CHECK(macro.value == Approx(0.6));
  CHECK(macro.std_error == Approx(0.028406).epsilon(1e-4));
  CHECK(micro.n == 400);
  CHECK(micro.ci_low == Approx(0.65 - 1.959964 * 0.0235138).epsilon(1e-5));
}
