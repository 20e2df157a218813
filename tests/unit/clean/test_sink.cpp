// JSON lines, shards, and packed files that are ended and gone on with.
#include <catch.h>
#include <zlib.h>
#include <zstd.h>

#include <nlohmann/json.hpp>

#include "support.h"

using namespace temper;
using namespace temper::clean;
using namespace temper::test;

namespace {

std::string unzip(const std::filesystem::path& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  std::string text(1 << 20, '\0');
  text.resize(static_cast<std::size_t>(gzread(file, text.data(), 1 << 20)));
  gzclose(file);
  return text;
}

std::string unzstd(const std::filesystem::path& path) {
  const std::string packed = read(path);
  std::string text(1 << 20, '\0');
  std::size_t at = 0, out = 0;
  while (at < packed.size()) {
    const std::size_t frame = ZSTD_findFrameCompressedSize(packed.data() + at, packed.size() - at);
    REQUIRE_FALSE(ZSTD_isError(frame));
    const std::size_t size = ZSTD_decompress(text.data() + out, text.size() - out, packed.data() + at, frame);
    REQUIRE_FALSE(ZSTD_isError(size));
    at += frame;
    out += size;
  }
  text.resize(out);
  return text;
}

Passage passage(const std::string& id, const std::string& text, const std::string& attributes = "") {
  Passage one;
  one.document = {id, text, "f:1", attributes};
  return one;
}

}  // namespace

TEST_CASE("any text survives as a JSON string") {
  std::string text = "\"quoted\" back\\slash \n\t\r \x01\x1f \x7f caf\xC3\xA9 \xF0\x9F\x98\x80";
  text += '\0';
  std::string line;
  append_json_string(line, text);
  CHECK(nlohmann::json::parse(line).get<std::string>() == text);
  CHECK(line.find('\n') == std::string::npos);
}

TEST_CASE("a sink goes on at its mark, in every packing, and drops what came behind it") {
  for (const auto packing : {Packing::kNone, Packing::kGzip, Packing::kZstd}) {
    const Folder folder;
    const auto write = [&](Sink& sink, int from, int to) {
      for (int i = from; i < to; ++i) sink.write(sink.render(passage(std::to_string(i), std::string(50, 'a'))));
    };
    std::string mark;
    std::filesystem::create_directories(folder / "out");
    {
      const auto sink = jsonl_sink(folder / "out", "", packing, 400, "");
      write(*sink, 0, 7);
      mark = sink->mark();
      write(*sink, 7, 30);  // lost
    }
    const auto sink = jsonl_sink(folder / "out", "", packing, 400, mark);
    write(*sink, 7, 12);
    sink->mark();
    std::string all;
    for (int shard = 0; shard < 20; ++shard) {
      const std::string ending = packing == Packing::kGzip ? ".gz" : packing == Packing::kZstd ? ".zst" : "";
      const auto path = folder / ("out/part-0000" + std::to_string(shard) + ".jsonl" + ending);
      if (!std::filesystem::exists(path)) break;
      all += packing == Packing::kGzip ? unzip(path) : packing == Packing::kZstd ? unzstd(path) : read(path);
    }
    std::istringstream lines(all);
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      CHECK(nlohmann::json::parse(line).at("id") == std::to_string(count));
    }
    CHECK(count == 12);
    CHECK_FALSE(std::filesystem::exists(folder / "out/part-00005.jsonl"));
  }
}

TEST_CASE("other fields of a row stand behind id and text") {
  const Folder folder;
  const auto sink = jsonl_sink("", folder / "one.jsonl", Packing::kNone, 1, "");
  const auto row = nlohmann::ordered_json::parse(sink->render(passage("i", "t", "{\"url\":\"u\",\"n\":[1,2]}")));
  CHECK(row.dump() == R"({"id":"i","text":"t","url":"u","n":[1,2]})");
}

TEST_CASE("a passage survives the spool") {
  Passage one = passage("id", "text", "{}");
  one.sha256 = "abc";
  one.bytes = 77;
  one.story = "\"f\": {}";
  one.edited = true;
  one.offsets.edit("text", {{1, 2, "t", "long"}});
  const Passage copy = passage_of(to_bytes(one));
  CHECK(copy.document.text == "text");
  CHECK(copy.story == one.story);
  CHECK(copy.bytes == 77);
  CHECK(copy.edited);
  CHECK(copy.offsets.to_bytes() == one.offsets.to_bytes());
  const std::string bytes = to_bytes(one);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) CHECK_THROWS_AS(passage_of(bytes.substr(0, cut)), DataError);
}
