// Every number format of GGUF against the numpy code of the `gguf` package, bit for bit.
#include <cstring>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "host/convert/dequantise.h"
#include "temp_folder.h"

using namespace temper;

namespace {

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

}  // namespace

TEST_CASE("every format is bit-equal to the gguf package's values") {
  const auto reference =
      nlohmann::json::parse(test::read_bytes(TEMPER_SOURCE_DIR "/tests/reference/convert/dequantise.json"));
  REQUIRE(reference.size() == 11);
  for (const auto& [name, entry] : reference.items()) {
    const GgmlFormat* format = find_format(entry["type"].get<std::uint32_t>());
    REQUIRE(format != nullptr);
    CHECK(format->name == name);
    const std::string data = from_hex(entry["data"]), expected = from_hex(entry["values"]);
    const auto blocks = entry["blocks"].get<std::uint64_t>();
    REQUIRE(data.size() == blocks * format->block_bytes);
    std::vector<float> values(blocks * format->block_elements);
    REQUIRE(expected.size() == values.size() * sizeof(float));
    dequantise(format->type, reinterpret_cast<const std::uint8_t*>(data.data()), blocks, values.data());
    std::size_t unequal = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      unequal += std::memcmp(&values[i], expected.data() + i * sizeof(float), sizeof(float)) != 0 ? 1 : 0;
    }
    INFO(name);
    CHECK(unequal == 0);
  }
}

TEST_CASE("types that are not read have a name for the message") {
  CHECK(find_format(10) == nullptr);
  CHECK(type_label(10) == "Q2_K");
  CHECK(type_label(12) == "Q4_K");
  CHECK(type_label(777) == "number 777");
}
