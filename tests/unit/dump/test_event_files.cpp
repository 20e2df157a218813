// Event files against the bytes of TensorBoard's own writer (tests/reference/tensorboard).
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "host/dump/event_files.h"

using namespace temper;

namespace {

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    text += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    text += "0123456789abcdef"[c & 15];
  }
  return text;
}

}  // namespace

TEST_CASE("records and events have the bytes of TensorBoard's writer") {
  std::ifstream file(std::string(TEMPER_SOURCE_DIR) + "/tests/reference/tensorboard/events_reference.json");
  const auto reference = nlohmann::json::parse(file);
  CHECK(hex(framed_record("")) == reference.at("empty"));
  CHECK(hex(framed_record(version_event(1.7e9))) == reference.at("version"));
  REQUIRE(reference.at("scalars").size() == 4);
  for (const auto& one : reference.at("scalars")) {
    const std::string tag = one.at("tag");
    INFO(tag);
    const float value = std::strtof(one.at("value").get<std::string>().c_str(), nullptr);
    CHECK(hex(framed_record(scalar_event(one.at("wall_time"), one.at("step"), tag, value))) == one.at("record"));
  }
}
