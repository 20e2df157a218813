// The text dataset: what a document is, Gutenberg markers, bad lines.
#include "catch.h"
#include "temp_files.h"
#include "text_dataset.h"

using namespace temper;
using namespace temper::dataset_text;

namespace {

std::vector<Document> read(const TempFolder& folder, TextParams params, Split split = Split::kTrain) {
  return all(TextDataset(params, {folder.path(), 0}).documents(split));
}

TextParams params_for(const std::string& path, const std::string& split_on = "file") {
  TextParams params;
  params.path = {path};
  params.split_on = split_on;
  return params;
}

}  // namespace

TEST_CASE("a document is a file, a block or a line", "[datasets][text]") {
  const TempFolder folder;
  folder.write("a.txt", "\n\none\ntwo\n \n\nthree\r\n\n");
  const auto files = read(folder, params_for("a.txt"));
  REQUIRE(files.size() == 1);
  CHECK(files[0].id == "a.txt");
  CHECK(files[0].text == "one\ntwo\n\n\nthree");
  const auto blocks = read(folder, params_for("a.txt", "blank_line"));
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[0].text == "one\ntwo");
  CHECK(blocks[1].id == "a.txt:7");
  CHECK(blocks[1].text == "three");
  CHECK_THAT(blocks[1].source, ContainsSubstring("a.txt:7"));
  const auto lines = read(folder, params_for("a.txt", "line"));
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].id == "a.txt:4");
  CHECK(lines[1].text == "two");
  CHECK(read(folder, params_for("a.txt"), Split::kTest).empty());
}

TEST_CASE("min_chars counts characters, not bytes", "[datasets][text]") {
  const TempFolder folder;
  folder.write("a.txt", "\xed\x95\x9c\xea\xb8\x80\nabc\n");
  auto params = params_for("a.txt", "line");
  params.min_chars = 3;
  const auto lines = read(folder, params);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].text == "abc");
}

TEST_CASE("Gutenberg's licence is left out where its markers are", "[datasets][text]") {
  const TempFolder folder;
  const std::string book = "CHAPTER ONE\n\nIt began.\n\nIt ended.";
  folder.write("new.txt",
               "Licence text\n*** START OF THE PROJECT GUTENBERG EBOOK A TALE ***\n\n\nProduced by Someone and\nothers\n\n" +
                   book + "\n\n*** END OF THE PROJECT GUTENBERG EBOOK A TALE ***\nMore licence\n");
  folder.write("old.txt", "Header\n*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*\n\n" + book +
                              "\n\nEnd of Project Gutenberg's A Tale\n\nMore\n");
  folder.write("two.txt",
               "***START OF THIS PROJECT GUTENBERG EBOOK A***\nfirst\n*** END OF THIS PROJECT GUTENBERG EBOOK A ***\nno\n"
               "*** START OF THE PROJECT GUTENBERG EBOOK B ***\nsecond\n*** END OF THE PROJECT GUTENBERG EBOOK B ***\n");
  folder.write("none.txt", "Mr. Gutenberg printed.\n" + book);
  CHECK(read(folder, params_for("new.txt"))[0].text == book);
  CHECK(read(folder, params_for("old.txt"))[0].text == book);
  CHECK(read(folder, params_for("two.txt"))[0].text == "first\nsecond");
  CHECK(read(folder, params_for("none.txt"))[0].text == "Mr. Gutenberg printed.\n" + book);
  auto keep = params_for("new.txt");
  keep.strip_gutenberg = false;
  CHECK_THAT(read(folder, keep)[0].text, ContainsSubstring("Licence text"));
}

TEST_CASE("bad lines end the run, or are skipped", "[datasets][text]") {
  const TempFolder folder;
  folder.write("a.txt", "good\nbad \xff\nfine\n");
  auto params = params_for("a.txt", "line");
  CHECK_THROWS_AS(read(folder, params), DataError);
  CHECK_THROWS_WITH(read(folder, params), ContainsSubstring("a.txt:2") && ContainsSubstring("on_error"));
  params.on_error = "skip";
  const auto lines = read(folder, params);
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].text == "fine");
}

TEST_CASE("a document over max_document_mb and a file without text are errors", "[datasets][text]") {
  const TempFolder folder;
  std::string text;
  for (int i = 0; i < 30000; ++i) text += "forty bytes of text are in every line xx\n";
  folder.write("a.txt", text);
  auto params = params_for("a.txt");
  params.max_document_mb = 1;
  CHECK_THROWS_WITH(read(folder, params), ContainsSubstring("max_document_mb"));
  folder.write("packed_nothing.txt.gz", gzip(""));
  CHECK_THROWS_WITH(read(folder, params_for("packed_nothing.txt.gz")), ContainsSubstring("holds no text"));
}

TEST_CASE("text parameters bind and the fingerprint follows them", "[datasets][text]") {
  const TempFolder folder;
  folder.write("a.txt", "one\n");
  const auto table = text_params();
  for (const auto& spec : table.specs()) CHECK_NOTHROW(check_spec(spec));
  const auto print = [&](const TextParams& params) { return TextDataset(params, {folder.path(), 0}).fingerprint(); };
  CHECK(print(params_for("a.txt")) == print(params_for("a.txt")));
  CHECK(print(params_for("a.txt")) != print(params_for("a.txt", "line")));
}

TEST_CASE("how far a stream is counts the bytes of the files in front, as they were listed") {
  const TempFolder folder;
  folder.write("a.txt", std::string(1000, 'a'));
  folder.write("b.txt", std::string(3000, 'b'));
  temper::dataset_text::TextParams params;
  params.path = {folder.path()};
  params.split_on = "file";
  temper::dataset_text::TextDataset dataset(params, {"", 0});
  const auto stream = dataset.documents(temper::Split::kTrain);
  CHECK(stream->state().fraction == 0);
  temper::Document document;
  REQUIRE(stream->next(document));
  CHECK(stream->state().fraction == Approx(0.25));
  folder.write("b.txt", std::string(3000, 'b') + std::string(4000, 'c'));
  CHECK(stream->state().fraction == Approx(0.25));
  REQUIRE(stream->next(document));
  CHECK(!stream->next(document));
}

TEST_CASE("a stream says what it left out, of a damaged file too, and how far it is") {
  const TempFolder folder;
  std::string lines;
  for (int i = 0; i < 20000; ++i) lines += "line " + std::to_string(i * 7919 % 20000) + "\n";
  const std::string packed = gzip(lines);
  folder.write("a.txt", "good\n\xff\xfe bad\nalso good\n");
  folder.write("b.txt.gz", packed.substr(0, packed.size() / 2));
  folder.write("c.txt", "last\n");
  for (const char* split : {"line", "file"}) {
    temper::dataset_text::TextParams params;
    params.path = {folder.path()};
    params.split_on = split;
    params.on_error = "skip";
    temper::dataset_text::TextDataset dataset(params, {"", 0});
    const auto stream = dataset.documents(temper::Split::kTrain);
    temper::Document document, latest;
    double fraction = 0;
    int count = 0;
    for (; stream->next(document); ++count) {
      latest = document;
      CHECK(stream->state().fraction >= fraction);
      fraction = stream->state().fraction;
    }
    CHECK(latest.text == "last");
    CHECK(count > (std::string(split) == "line" ? 1000 : 2));
    const auto state = stream->state();
    CHECK(state.skipped == 2);
    REQUIRE(state.faults.size() == 2);
    CHECK_THAT(state.faults[0], ContainsSubstring("a.txt:2"));
    CHECK_THAT(state.faults[1], ContainsSubstring("b.txt.gz:") && ContainsSubstring("cut off"));
    CHECK(state.fraction == Approx(1).margin(0.01));
  }
}
