// Finding and loading plugins (see loader.h).
#include "host/plugin/loader.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "host/plugin/library.h"
#include "host/util/files.h"
#include "temper/error.h"

namespace temper {
namespace fs = std::filesystem;

std::vector<fs::path> plugin_folders(const std::vector<std::string>& extra) {
  std::vector<fs::path> folders = program_folders("plugins");
  const auto add_named = [&](const std::string& name, const std::string& from) {
    if (name.empty()) return;
    if (!fs::is_directory(name)) {
      throw ConfigError(from + " names the folder '" + name + "', which does not exist");
    }
    folders.push_back(fs::canonical(name));
  };
  if (const char* variable = std::getenv("TEMPER_PLUGIN_PATH")) {
    std::istringstream parts(variable);
    for (std::string part; std::getline(parts, part, ':');) add_named(part, "TEMPER_PLUGIN_PATH");
  }
  for (const auto& name : extra) add_named(name, "--plugin-path");
  std::vector<fs::path> unique;
  for (const auto& folder : folders) {
    if (std::find(unique.begin(), unique.end(), folder) == unique.end()) unique.push_back(folder);
  }
  return unique;
}

PluginHost load_plugins(const std::vector<fs::path>& folders) {
  PluginHost host;
  for (const auto& folder : folders) {
    std::vector<fs::path> files;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (entry.path().extension() == ".so") files.push_back(entry.path());
    }
    if (error) host.failures.push_back({folder, "the folder cannot be read: " + error.message()});
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
      try {
        load_library(file, host.registry);
      } catch (const std::exception& why) {
        host.failures.push_back({file, why.what()});
        host.registry.add_failure(file, why.what());
      }
    }
  }
  host.registry.freeze();
  return host;
}

}  // namespace temper
