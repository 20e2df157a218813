// The shared readers: unpacking, lines, limits, UTF-8, paths and fingerprints.
#include "catch.h"
#include "file_set.h"
#include "line_reader.h"
#include "record_reader.h"
#include "temp_files.h"
#include "temper/hash.h"

using namespace temper;
using namespace temper::dataset_io;

namespace {

std::vector<Line> read_lines(const std::string& path, std::int64_t max_line_mb = 1) {
  LineReader reader(path, max_line_mb);
  std::vector<Line> lines;
  Line line;
  while (reader.next(line)) lines.push_back(line);
  return lines;
}

std::string many_lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "line number " + std::to_string(i * 7919) + "\n";
  return text;
}

}  // namespace

TEST_CASE("plain, gzip and zstd files give the same lines", "[datasets][readers]") {
  const TempFolder folder;
  const std::string text = many_lines(20000);
  for (const auto& path : {folder.write("a.txt", text), folder.write("a.txt.gz", gzip(text)),
                           folder.write("a.txt.zst", zstd(text)), folder.write("packed_without_ending", gzip(text))}) {
    const auto lines = read_lines(path);
    REQUIRE(lines.size() == 20000);
    CHECK(lines[0].text == "line number 0");
    CHECK(lines[19999].text == "line number " + std::to_string(19999 * 7919));
    CHECK(lines[19999].number == 20000);
  }
}

TEST_CASE("several gzip members and zstd frames in a row are one text", "[datasets][readers]") {
  const TempFolder folder;
  const auto gz = read_lines(folder.write("a.gz", gzip("one\ntw") + gzip("o\nthree\n") + std::string(512, '\0')));
  const auto zst = read_lines(folder.write("a.zst", zstd("one\ntw") + zstd("o\nthree\n")));
  REQUIRE(gz.size() == 3);
  REQUIRE(zst.size() == 3);
  CHECK(gz[1].text == "two");
  CHECK(zst[1].text == "two");
}

TEST_CASE("truncated and damaged archives are errors with file and line", "[datasets][readers]") {
  const TempFolder folder;
  const std::string text = many_lines(20000);
  for (const bool use_gzip : {true, false}) {
    const std::string whole = use_gzip ? gzip(text) : zstd(text);
    const std::string ending = use_gzip ? ".gz" : ".zst";
    const auto cut = folder.write("cut" + ending, whole.substr(0, whole.size() - 9));
    CHECK_THROWS_AS(read_lines(cut), DataError);
    CHECK_THROWS_WITH(read_lines(cut), ContainsSubstring("cut" + ending + ":") && ContainsSubstring("cut off"));
    std::string broken = whole;
    for (std::size_t i = broken.size() / 2; i < broken.size() / 2 + 40; ++i) broken[i] = static_cast<char>(~broken[i]);
    CHECK_THROWS_AS(read_lines(folder.write("broken" + ending, broken)), DataError);
    CHECK_THROWS_WITH(read_lines(folder.write("no" + ending, "just text\n")), ContainsSubstring("does not begin like"));
  }
}

TEST_CASE("line ends, byte order mark and a missing last line break", "[datasets][readers]") {
  const TempFolder folder;
  const auto lines = read_lines(folder.write("a.txt",
                                             "\xef\xbb\xbf"
                                             "one\r\n\r\ntwo\n\nlast"));
  REQUIRE(lines.size() == 5);
  CHECK(lines[0].text == "one");
  CHECK(lines[1].text.empty());
  CHECK(lines[2].text == "two");
  CHECK(lines[4].text == "last");
  CHECK(lines[4].number == 5);
}

TEST_CASE("a line over the limit is a problem, is not held in memory, and the next line is read", "[datasets][readers]") {
  const TempFolder folder;
  const std::string huge(std::size_t{3} << 20, 'x');
  const auto path =
      folder.write("a.txt.gz", gzip("first\n" + huge + "\nlast\n" + std::string(std::size_t{1} << 20, 'y') + "\n"));
  const auto lines = read_lines(path, 1);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].problem.empty());
  CHECK(lines[1].text.capacity() <= (std::size_t{2} << 20));
  CHECK_THAT(lines[1].problem, ContainsSubstring("a.txt.gz:2:") && ContainsSubstring("max_line_mb"));
  CHECK(lines[2].text == "last");
  CHECK(lines[3].text.size() == std::size_t{1} << 20);  // exactly the limit is allowed
}

TEST_CASE("invalid UTF-8 is found with line and position", "[datasets][readers]") {
  CHECK(find_invalid_utf8("abc \xc3\xa9 \xed\x95\x9c \xf0\x9f\x98\x80") == std::string_view::npos);
  CHECK(find_invalid_utf8("ab\xff") == 2);
  CHECK(find_invalid_utf8("a\xc0\xaf") == 1);         // overlong
  CHECK(find_invalid_utf8("\xed\xa0\x80") == 0);      // surrogate
  CHECK(find_invalid_utf8("\xf4\x90\x80\x80") == 0);  // beyond U+10FFFF
  CHECK(find_invalid_utf8("abc\xe2\x82") == 3);       // cut off
  CHECK(find_invalid_utf8("\xe0\x9f\xbf") == 0);
  CHECK(find_invalid_utf8("\x80") == 0);
  const TempFolder folder;
  const auto lines = read_lines(folder.write("a.txt", "fine\nbad \xe9 here\nfine\n"));
  REQUIRE(lines.size() == 3);
  CHECK_THAT(lines[1].problem, ContainsSubstring("a.txt:2:") && ContainsSubstring("0xe9 at position 5"));
  CHECK(lines[2].text == "fine");
}

TEST_CASE("paths: files, folders and globs in an order of their own", "[datasets][readers]") {
  const TempFolder folder;
  folder.write("b.txt", "b");
  folder.write("a.txt.gz", gzip("a"));
  folder.write("deep/c.txt", "c");
  folder.write("deep/a.txt", "c");
  folder.write("deep/notes.md", "not text");
  folder.write(".hidden/x.txt", "never");
  folder.write("empty/notes.md", "x");
  const auto labels = [&](const std::vector<std::string>& paths) {
    std::vector<std::string> names;
    for (const auto& file : resolve_files(paths, folder.path(), {".txt"})) names.push_back(file.label);
    return names;
  };
  using Names = std::vector<std::string>;
  CHECK(labels({"."}) == Names{"a.txt.gz", "b.txt", "deep/a.txt", "deep/c.txt"});
  CHECK(labels({"b.txt", "*.txt*"}) == Names{"b.txt", "a.txt.gz"});
  CHECK(labels({"deep/*", "deep/c.txt"}) == Names{"a.txt", "c.txt", "notes.md"});
  CHECK(labels({"deep/[c]?txt"}) == Names{"c.txt"});
  folder.write("other/a.txt", "other");
  CHECK(labels({"deep/a.txt", "other/a.txt"}) == Names{"a.txt", "a.txt~2"});
  CHECK_THROWS_AS(labels({"nothing.txt"}), DataError);
  CHECK_THROWS_WITH(labels({"nothing.txt"}), ContainsSubstring("'nothing.txt' is not there"));
  CHECK_THROWS_WITH(labels({"*.csv"}), ContainsSubstring("'*.csv' matches no file"));
  CHECK_THROWS_WITH(labels({"empty"}), ContainsSubstring("'empty' holds no file ending in .txt"));
  CHECK_THROWS_AS(labels({}), ConfigError);
  folder.write("zero.txt", "");
  CHECK_THROWS_WITH(labels({"zero.txt"}), ContainsSubstring("zero.txt' is empty"));
}

TEST_CASE("a fingerprint is that of the files in their order, and names the first that is gone", "[datasets][readers]") {
  const TempFolder folder;
  for (int i = 0; i < 60; ++i)
    folder.write(std::to_string(100 + i) + ".txt", std::string(i % 7 == 0 ? 300000 : 10, 'a') + std::to_string(i));
  const auto files = resolve_files({"."}, folder.path(), {".txt"});
  REQUIRE(files.size() == 60);
  Sha256 expected;
  expected.update("settings");
  for (const auto& file : files) expected.update("\n" + file.label + "\n" + sha256_file(file.path));
  CHECK(fingerprint_files(files, "settings") == expected.hex());
  // Of several that went away in the meantime, the first is named.
  for (const int gone : {7, 8, 59}) std::filesystem::remove(files[static_cast<std::size_t>(gone)].path);
  CHECK_THROWS_WITH(fingerprint_files(files, "settings"), ContainsSubstring("107.txt"));
}

TEST_CASE("fingerprints change with content, names and settings only", "[datasets][readers]") {
  const TempFolder one, two;
  for (const auto* folder : {&one, &two}) folder->write("a.txt", "same");
  const auto print = [](const TempFolder& folder, const std::string& settings) {
    return fingerprint_files(resolve_files({"."}, folder.path(), {".txt"}), settings);
  };
  CHECK(print(one, "s") == print(two, "s"));
  CHECK(print(one, "s") != print(one, "t"));
  two.write("a.txt", "other");
  CHECK(print(one, "s") != print(two, "s"));
  one.write("b.txt", "more");
  const auto before = print(one, "s");
  fs::rename(one.path() + "/b.txt", one.path() + "/c.txt");
  CHECK(print(one, "s") != before);
}

namespace {

std::vector<temper::dataset_jsonl::Record> read_records(const std::string& path, std::int64_t max_line_mb = 1) {
  temper::dataset_jsonl::RecordReader reader(path, max_line_mb);
  std::vector<temper::dataset_jsonl::Record> records;
  temper::dataset_jsonl::Record record;
  while (reader.next(record)) records.push_back(record);
  return records;
}

}  // namespace

TEST_CASE("records come from lines and from arrays alike", "[datasets][readers]") {
  const TempFolder folder;
  const auto lines = read_records(folder.write("a.jsonl", "{\"a\":1}\n\n  \n{\"a\":\"]\"}\n"));
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].line == 4);
  const std::string array =
      "\xef\xbb\xbf"
      " [\n {\"a\": [1, {\"b\": \"x],\\\"y\"}]},\n\n {\"a\": 2}\n]\n";
  const auto elements = read_records(folder.write("a.json.gz", gzip(array)));
  REQUIRE(elements.size() == 2);
  CHECK(elements[0].text == "{\"a\": [1, {\"b\": \"x],\\\"y\"}]}");
  CHECK(elements[0].line == 2);
  CHECK(elements[1].line == 4);
  CHECK_THROWS_WITH(read_records(folder.write("cut.json", "[{\"a\": 1},\n{\"a\"")),
                    ContainsSubstring("cut.json:2") && ContainsSubstring("cut off"));
  CHECK_THROWS_WITH(read_records(folder.write("behind.json", "[{\"a\": 1}]\n{}")), ContainsSubstring("behind.json:2"));
  CHECK_THROWS_WITH(read_records(folder.write("none.json", "[ ]\n")), ContainsSubstring("holds no record"));
  CHECK_THROWS_WITH(read_records(folder.write("none.jsonl", "\n \n")), ContainsSubstring("holds no record"));
  const std::string big(std::size_t{2} << 20, 'x');
  const auto limited = read_records(folder.write("big.json", "[{\"a\":\"" + big + "\"}, {\"b\":1}]"));
  REQUIRE(limited.size() == 2);
  CHECK_THAT(limited[0].problem, ContainsSubstring("longer than 1 MB"));
  CHECK(limited[1].problem.empty());
}
