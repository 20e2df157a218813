// One plugin library: checked from the outside (owner, permissions, ABI tag), then opened, described and registered.
// An opened library stays open for the process: objects it made live on in autograd graphs and exception handlers.
#pragma once

#include <filesystem>

#include "host/plugin/registry.h"

namespace temper {

/// Refuses files and folders that others may write to or own: loading from them would run a stranger's code.
void check_plugin_path_safety(const std::filesystem::path& file);

/// Throws PluginError with the reason; then nothing of the file is in `registry`. Nothing of the file has run if the tag
/// does not match.
void load_library(const std::filesystem::path& file, Registry& registry);

}  // namespace temper
