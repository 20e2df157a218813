// One plugin library: checked from the outside (owner, permissions, ABI tag), then opened, described and registered.
// An opened library stays open for the process: objects it made live on in autograd graphs and exception handlers.
#pragma once

#include <filesystem>
#include <string>

#include "host/plugin/registry.h"

namespace temper {

/// Refuses files and folders that everybody may write to or that belong to another user: loading from them would run a
/// stranger's code. Throws PluginError.
void check_plugin_path_safety(const std::filesystem::path& file);

/// The file's ABI tag, read without opening it. Throws PluginError if it has none or it is not this program's: with both
/// sides of what differs, and how to rebuild.
std::string check_abi(const std::filesystem::path& file);

/// Throws PluginError with the reason; then nothing of the file is in `registry`. Nothing of the file has run if the tag
/// does not match.
void load_library(const std::filesystem::path& file, Registry& registry);

}  // namespace temper
