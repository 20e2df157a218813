// One include for Catch2 v2 (Debian 12) and v3, plus the project's way to skip: Catch2 v2 has no SKIP, so a test that lacks
// shared data says so in a warning that names the file and returns.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
#else
#include <catch2/catch.hpp>
inline auto ContainsSubstring(const std::string& text) { return Catch::Matchers::Contains(text); }
#endif

#include <filesystem>
#include <string>

/// Path of a file of the shared data, or "" after a warning that says what is missing.
inline std::string shared_data(const std::string& name) {
  const std::filesystem::path path = std::filesystem::path(TEMPER_SHARED_DATA_DIR) / name;
  if (std::filesystem::exists(path)) return path.string();
  WARN("SKIPPED: shared data file " + path.string() + " is not there");
  return "";
}
