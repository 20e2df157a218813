// GGUF files: one that the `gguf` package wrote, and hostile ones that have to be refused without being believed.
#include <ATen/ATen.h>

#include "catch.h"
#include "gguf_writer.h"
#include "host/convert/gguf.h"
#include "temp_folder.h"
#include "temper/error.h"

using namespace temper;
using test::GgufWriter;
using test::raw;

namespace {

std::filesystem::path written(const std::string& bytes) {
  return test::write_bytes(test::fresh_folder("gguf") / "file.gguf", bytes);
}

void refused(const std::string& bytes, const std::string& why) {
  const auto path = written(bytes);
  CHECK_THROWS_AS(GgufFile(path), DataError);
  CHECK_THROWS_WITH(GgufFile(path), ContainsSubstring(why) && ContainsSubstring("file.gguf"));
}

std::string head(std::uint64_t tensors, std::uint64_t entries) {
  return "GGUF" + raw<std::uint32_t>(3) + raw(tensors) + raw(entries);
}

GgufWriter small() {
  GgufWriter writer;
  writer.text("general.architecture", "llama").integer("llama.block_count", 2).floats("w", {3, 2}, {0, 1, 2, 3, 4, 5});
  return writer;
}

}  // namespace

TEST_CASE("a file of the gguf package gives every metadata type and tensor") {
  const GgufFile file(TEMPER_SOURCE_DIR "/tests/reference/convert/sample.gguf");
  CHECK(file.text("general.architecture") == "sample");
  CHECK(file.integer("t.uint8") == 200);
  CHECK(file.integer("t.int8") == -100);
  CHECK(file.integer("t.uint16") == 60000);
  CHECK(file.integer("t.int16") == -30000);
  CHECK(file.integer("t.uint32") == 4000000000);
  CHECK(file.integer("t.int32") == -2000000000);
  CHECK(std::get<std::uint64_t>(file.metadata().at("t.uint64").value) == (std::uint64_t{1} << 63) + 5);
  CHECK_THROWS_WITH(file.integer("t.uint64"), ContainsSubstring("too large"));
  CHECK(file.integer("t.int64") == -(std::int64_t{1} << 62));
  CHECK(file.number("t.float32") == static_cast<double>(1e-5F));
  CHECK(file.number("t.float64") == 0.1);
  CHECK(file.number("t.uint8") == 200.0);
  CHECK(file.flag("t.bool") == true);
  CHECK(file.text("t.string") == "n\u00e4h \uc548");
  CHECK(*file.texts("t.texts") == std::vector<std::string>{"a", "", "bc"});
  CHECK(*file.integers("t.numbers") == std::vector<std::int64_t>{1, -2, 3});
  CHECK(*file.floats("t.floats") == std::vector<float>{0.5F, -1.25F});
  CHECK_FALSE(file.integer("absent").has_value());
  CHECK_THROWS_WITH(file.integer("t.string"), ContainsSubstring("'t.string' is of type string"));
  CHECK_THROWS_AS(file.text("t.uint8"), DataError);
  CHECK_THROWS_AS(file.number("t.string"), DataError);
  CHECK_THROWS_AS(file.texts("t.numbers"), DataError);

  REQUIRE(file.tensors().size() == 4);
  const auto plain = file.read(file.tensors().at("plain"));
  CHECK(at::equal(plain, at::arange(6, at::kFloat).reshape({2, 3})));
  CHECK(at::equal(file.read(file.tensors().at("half")), at::arange(4, at::kFloat)));
  // The two quantised copies hold the same values, so they are near one another; bits are checked in test_dequantise.
  const auto q4 = file.read(file.tensors().at("q4_1")), q8 = file.read(file.tensors().at("q8_0"));
  CHECK(q4.sizes() == at::IntArrayRef({3, 64}));
  CHECK((q4 - q8).abs().max().item<float>() < 0.25);
  CHECK(q8.abs().max().item<float>() > 1.5);
}

TEST_CASE("versions 2 and 3 are read, others are refused in words") {
  CHECK(GgufFile(written(small().bytes(2))).integer("llama.block_count") == 2);
  CHECK(GgufFile(written(small().bytes(3))).tensors().size() == 1);
  refused(small().bytes(1), "format version 1");
  refused(small().bytes(4), "format version 4");
  refused(small().bytes(0x03000000), "big-endian");
  refused("GGML" + small().bytes().substr(4), "does not begin with GGUF");
  refused("", "does not begin with GGUF");
}

TEST_CASE("counts, lengths and offsets are not believed") {
  constexpr std::uint64_t kHuge = ~std::uint64_t{0};
  refused(head(0, kHuge), "metadata entries");
  refused(head(kHuge, 0), "tensors but only 0 bytes");
  refused(head(0, 1) + raw(kHuge) + std::string(40, 'x'), "a text claims");
  refused(head(0, 1) + test::gguf_text("k") + raw<std::uint32_t>(13) + std::string(40, 'x'), "unknown type 13");
  const auto array = [&](std::uint32_t type) {
    return head(0, 1) + test::gguf_text("k") + raw<std::uint32_t>(9) + raw(type) + raw(kHuge / 8) + std::string(40, 'x');
  };
  for (const std::uint32_t type : {0U, 5U, 8U, 9U, 12U}) refused(array(type), "array elements");
  std::string deep = head(0, 1) + test::gguf_text("k") + raw<std::uint32_t>(9);
  for (int i = 0; i < 1000; ++i) deep += raw<std::uint32_t>(9) + raw<std::uint64_t>(1);
  refused(deep, "arrays in arrays");

  const std::string data(64, '\1');
  refused(GgufWriter().tensor("w", {}, 0, data).bytes(), "0 dimensions");
  refused(GgufWriter().tensor("w", {1, 1, 1, 1, 1}, 0, data).bytes(), "5 dimensions");
  refused(GgufWriter().tensor("w", {0}, 0, data).bytes(), "dimension of 0");
  refused(GgufWriter().tensor("w", {std::uint64_t{1} << 62, 4}, 0, data).bytes(), "cannot hold");
  refused(GgufWriter().tensor("w", {std::uint64_t{1} << 32, std::uint64_t{1} << 32}, 0, data).bytes(), "cannot hold");
  refused(GgufWriter().tensor("w", {17}, 0, data).bytes(), "beyond the file's end");
  refused(GgufWriter().tensor("w", {16}, 10, data).bytes(), "type Q2_K");
  refused(GgufWriter().tensor("w", {16}, 2, data).bytes(), "no multiple of 32");
  refused(GgufWriter().floats("w", {1}, {1}).floats("w", {1}, {1}).bytes(), "'w' is there twice");
  refused(GgufWriter().text("k", "a").text("k", "b").bytes(), "'k' is there twice");
  refused(GgufWriter().integer("general.alignment", 0).bytes(), "power of two");
  refused(GgufWriter().integer("general.alignment", 48).bytes(), "power of two");
}

TEST_CASE("tensors that overlap are refused") {
  std::string bytes = head(2, 0);
  for (const char* name : {"a", "b"}) {
    bytes += test::gguf_text(name) + raw<std::uint32_t>(1) + raw<std::uint64_t>(16) + raw<std::uint32_t>(0) +
             raw<std::uint64_t>(0);
  }
  refused(bytes + std::string(256, '\0'), "overlap");
}

TEST_CASE("every truncation of a GGUF file is refused") {
  const std::string bytes = small().bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_THROWS_AS(GgufFile(written(bytes.substr(0, size))), DataError);
}
