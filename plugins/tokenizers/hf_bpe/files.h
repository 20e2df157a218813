// Reading the files of a tokenizer's folder, with messages that name them.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace temper::hf_bpe_plugin {

std::string read_text(const std::filesystem::path& path);
nlohmann::json read_json(const std::filesystem::path& path);
/// Null if there is no such file.
nlohmann::json read_json_if_there(const std::filesystem::path& path);

}  // namespace temper::hf_bpe_plugin
