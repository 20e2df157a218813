// Reads a plugin's ABI tag from the file's bytes, before any of its code can run, and compares it with the host's own.
// The loader calls it; a mismatch is a message with both sides and the remedy, not a crash.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace temper {

/// "sdk", "0.1.0+abc" ... in the tag's order.
using AbiFields = std::vector<std::pair<std::string, std::string>>;

std::string host_abi_tag();
/// The text of section `.temper_abi`, or nothing if the ELF file has none. Throws PluginError if the file is not a readable
/// 64-bit ELF library. Every offset is checked against the file's size.
std::optional<std::string> read_abi_tag(const std::filesystem::path& file);
/// Throws PluginError if the text is no tag.
AbiFields parse_abi_tag(const std::string& tag);
/// "" if both are equal; else a table of the fields that differ, the plugin's in one column, the host's in the other.
std::string describe_abi_mismatch(const std::string& plugin_tag, const std::string& host_tag);
/// A sentence with the command that builds this plugin file anew.
std::string rebuild_command(const std::filesystem::path& file);

}  // namespace temper
