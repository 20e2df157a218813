// safetensors: round trip, equal bytes, and P-MODEL-09: hostile headers are refused without being believed.
#include <ATen/ATen.h>

#include <filesystem>
#include <fstream>

#include "catch.h"
#include "host/train/safetensors.h"
#include "temper/error.h"
#include "temper/hash.h"

using namespace temper;

namespace {

std::filesystem::path temporary(const std::string& name) {
  const auto folder = std::filesystem::temp_directory_path() / "temper_test_safetensors";
  std::filesystem::create_directories(folder);
  return folder / name;
}

std::filesystem::path write_raw(std::uint64_t length, const std::string& header, std::size_t data) {
  const auto path = temporary("raw.safetensors");
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&length), 8);
  file << header << std::string(data, '\1');
  return path;
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"t":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

void refused(const std::string& header, std::size_t data, const std::string& why) {
  const auto path = write_raw(header.size(), header, data);
  CHECK_THROWS_AS(read_safetensors(path), DataError);
  CHECK_THROWS_WITH(read_safetensors(path), ContainsSubstring(why) && ContainsSubstring("raw.safetensors"));
}

}  // namespace

TEST_CASE("tensors of all types come back equal, and equal content gives equal bytes") {
  TensorFile file;
  file.tensors["f32"] = at::arange(6, at::kFloat).reshape({2, 3});
  file.tensors["bf16"] = at::arange(4, at::kFloat).div(3).to(at::kBFloat16);
  file.tensors["f16"] = at::arange(5, at::kFloat).div(7).to(at::kHalf);
  file.tensors["i32"] = at::arange(3, at::kInt).neg();
  file.tensors["i64"] = at::arange(3, at::kLong);
  file.tensors["u8"] = at::zeros({0}, at::kByte);
  file.tensors["scalar"] = at::scalar_tensor(2.5, at::kDouble);
  file.metadata["note"] = "n\u00e4h";
  write_safetensors(temporary("a"), file);
  write_safetensors(temporary("b"), file);
  CHECK(sha256_file(temporary("a")) == sha256_file(temporary("b")));
  const TensorFile read = read_safetensors(temporary("a"));
  CHECK(read.metadata.at("note") == file.metadata.at("note"));
  for (const auto& [name, tensor] : file.tensors) {
    CHECK(at::equal(read.tensors.at(name), tensor));
    CHECK(read.tensors.at(name).scalar_type() == tensor.scalar_type());
  }
}

TEST_CASE("P-MODEL-09 damaged headers are refused in words") {
  CHECK_THROWS_WITH(read_safetensors(write_raw(std::uint64_t{1} << 63, "{}", 0)), ContainsSubstring("header claims"));
  CHECK_THROWS_WITH(read_safetensors(write_raw(100, "{}", 0)), ContainsSubstring("header claims 100 bytes"));
  refused("not json", 0, "not a JSON object");
  refused(entry("F32", "[2]", "[8,0]"), 8, "lies at bytes");
  refused(entry("F32", "[2]", "[0,9999]"), 8, "lies at bytes");
  refused(entry("F32", "[3]", "[0,8]"), 8, "does not fit");
  refused(entry("F32", "[4611686018427387904,4]", "[0,8]"), 8, "does not fit");
  refused(entry("F99", "[2]", "[0,8]"), 8, "unknown dtype");
  refused(entry("F32", "[-1]", "[0,8]"), 8, "lacks dtype, shape");
  refused(R"({"t":{"dtype":"F32"}})", 8, "lacks dtype, shape");
  CHECK_THROWS_AS(read_safetensors(temporary("absent")), DataError);
}

TEST_CASE("P-MODEL-09 a header cannot claim more data than the file has, in whatever way") {
  const std::string one = R"("dtype":"F32","shape":[2],"data_offsets":)";
  refused("{\"a\":{" + one + "[0,8]},\"b\":{" + one + "[0,8]}}", 8, "overlap");
  refused("{\"a\":{" + one + "[0,8]},\"b\":{" + one + "[4,12]}}", 12, "overlap");
  refused("{\"a\":{" + one + "[8,16]}}", 16, "leave a gap");
  refused("{\"a\":{" + one + "[0,8]}}", 16, "end at byte 8");
  refused("{\"a\":{" + one + "[0,8]},\"a\":{" + one + "[0,8]}}", 8, "is there twice");
  refused(entry("F32", "[0,9223372036854775807,9223372036854775807]", "[0,0]"), 0, "does not fit");
  refused(entry("F32", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, "too many dimensions");
  refused(std::string(100000, '['), 0, "not a JSON object");
  refused(R"({"t":)" + std::string(100000, '['), 0, "lacks dtype");
  refused(R"({"t":{"x":{"y":1}}})", 0, "lacks dtype");
  refused("[]", 0, "not a JSON object");
  refused("7", 0, "not a JSON object");
}

TEST_CASE("a file gives one tensor at a time, and takes them so") {
  std::map<std::string, TensorSource> sources;
  int made = 0;
  for (const char* name : {"a", "b"}) {
    sources[name] = {at::kHalf, {2, 2}, [&made] {
                       ++made;
                       return at::full({2, 2}, made, at::kHalf);
                     }};
  }
  write_safetensors(temporary("streamed"), sources, {{"format", "pt"}});
  CHECK(made == 2);
  const SafetensorsFile file(temporary("streamed"));
  CHECK(file.entries().at("b").shape == std::vector<std::int64_t>{2, 2});
  CHECK(file.entries().at("b").end - file.entries().at("b").begin == 8);
  CHECK(at::equal(file.read("b"), at::full({2, 2}, 2, at::kHalf)));
  CHECK(at::equal(file.read("a"), at::full({2, 2}, 1, at::kHalf)));
  sources["b"].shape = {4};
  CHECK_THROWS_WITH(write_safetensors(temporary("wrong"), sources, {}), ContainsSubstring("tensor 'b'"));
}

TEST_CASE("every truncation of a file is refused") {
  TensorFile file;
  file.tensors["w"] = at::arange(8, at::kFloat);
  const auto path = temporary("whole");
  write_safetensors(path, file);
  std::ifstream in(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  for (std::size_t size = 0; size < bytes.size(); size += 5) {
    std::ofstream(temporary("cut"), std::ios::binary) << bytes.substr(0, size);
    CHECK_THROWS_AS(read_safetensors(temporary("cut")), DataError);
  }
}
