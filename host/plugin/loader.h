// Finds plugin files and loads them all. A broken plugin never stops the host: its failure is kept and told when it is
// asked for, and `temper plugins list` shows it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/plugin/registry.h"

namespace temper {

struct LoadFailure {
  std::filesystem::path file;
  std::string message;
};

struct PluginHost {
  Registry registry;  ///< frozen
  std::vector<LoadFailure> failures;
};

/// The program's own plugins (beside it in a build, under lib/ when installed), then TEMPER_PLUGIN_PATH, then `extra`.
/// Throws ConfigError if a folder that the user named does not exist.
std::vector<std::filesystem::path> plugin_folders(const std::vector<std::string>& extra);

PluginHost load_plugins(const std::vector<std::filesystem::path>& folders);

}  // namespace temper
