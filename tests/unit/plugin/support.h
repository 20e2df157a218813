// Where the broken plugins are, and a folder that is gone after the test.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

namespace temper::test {

inline std::filesystem::path fixture_folder(const std::string& name) { return std::filesystem::path(FIXTURES_DIR) / name; }

/// The one library in the folder of fixture `name`.
inline std::filesystem::path fixture(const std::string& name) {
  for (const auto& entry : std::filesystem::directory_iterator(fixture_folder(name))) return entry.path();
  return fixture_folder(name) / "nothing.so";
}

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "temper_plugin_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace temper::test
