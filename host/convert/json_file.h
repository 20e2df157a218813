// JSON files of other people's model folders: bounded in size and depth, parsed into a tree, errors with the path.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace temper {

/// Throws DataError if the file cannot be read, is larger than 256 MiB, or is no JSON of a sane depth.
nlohmann::ordered_json read_json_file(const std::filesystem::path& path);
/// Nothing if there is no such file.
std::optional<nlohmann::ordered_json> read_json_if_there(const std::filesystem::path& path);
/// The same for text in memory; `name` is for messages.
nlohmann::ordered_json parse_json_text(const std::string& text, const std::string& name);

}  // namespace temper
