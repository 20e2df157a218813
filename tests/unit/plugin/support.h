// Where the broken plugins are, and a folder that is gone after the test.
#pragma once

#include <filesystem>
#include <string>

#include "folder.h"

namespace temper::test {

inline std::filesystem::path fixture_folder(const std::string& name) { return std::filesystem::path(FIXTURES_DIR) / name; }

/// The one library in the folder of fixture `name`.
inline std::filesystem::path fixture(const std::string& name) {
  for (const auto& entry : std::filesystem::directory_iterator(fixture_folder(name))) return entry.path();
  return fixture_folder(name) / "nothing.so";
}

}  // namespace temper::test
