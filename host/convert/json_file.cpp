// Bounded JSON (see json_file.h).
#include "host/convert/json_file.h"

#include "host/util/files.h"
#include "temper/error.h"

namespace temper {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uintmax_t kLargest = 256U << 20;
// Trees are walked and copied by recursion, here and in plugins.
constexpr int kDeepest = 100;

}  // namespace

Json parse_json_text(const std::string& text, const std::string& name) {
  const auto shallow = [&](int depth, Json::parse_event_t, const Json&) {
    if (depth > kDeepest) throw DataError("'" + name + "' is nested more than " + std::to_string(kDeepest) + " deep");
    return true;
  };
  try {
    return Json::parse(text, shallow);
  } catch (const Json::exception& error) {
    throw DataError("'" + name + "' is no valid JSON: " + error.what());
  }
}

Json read_json_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (!error && size > kLargest)
    throw DataError("'" + path.string() + "' has " + std::to_string(size) + " bytes, too many for JSON");
  return parse_json_text(read_text_file(path), path.string());
}

std::optional<Json> read_json_if_there(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  return read_json_file(path);
}

}  // namespace temper
