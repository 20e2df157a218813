// Globs, folders, order and fingerprints (see file_set.h).
#include "file_set.h"

#include <glob.h>

#include <algorithm>
#include <cstdint>
#include <set>

#include "temper/hash.h"

namespace temper::dataset_io {
namespace {

namespace fs = std::filesystem;

bool has_ending(const std::string& name, const std::vector<std::string>& endings) {
  std::string_view stem = name;
  for (const std::string_view packed : {".gz", ".zst"}) {
    if (stem.ends_with(packed)) stem.remove_suffix(packed.size());
  }
  return std::any_of(endings.begin(), endings.end(), [&](const std::string& ending) { return stem.ends_with(ending); });
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// Hidden files and folders are left out, so that an editor's backup is never trained on.
void add_folder(const fs::path& folder, const std::string& given, const std::vector<std::string>& endings,
                std::vector<DataFile>& files) {
  std::vector<DataFile> found;
  std::error_code code;
  for (auto it = fs::recursive_directory_iterator(folder, code); !code && it != fs::recursive_directory_iterator();
       it.increment(code)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with('.')) {
      if (it->is_directory()) it.disable_recursion_pending();
      continue;
    }
    if (it->is_regular_file() && has_ending(name, endings)) {
      found.push_back({it->path(), it->path().lexically_relative(folder).generic_string()});
    }
  }
  if (code) throw DataError("dataset folder '" + folder.string() + "' cannot be listed: " + code.message());
  if (found.empty()) {
    throw DataError("dataset folder '" + given + "' holds no file ending in " + join(endings) +
                    " (or those with .gz or .zst); name the files themselves or a glob");
  }
  std::sort(found.begin(), found.end(), [](const DataFile& a, const DataFile& b) { return a.label < b.label; });
  files.insert(files.end(), found.begin(), found.end());
}

void add_glob(const fs::path& pattern, const std::string& given, std::vector<DataFile>& files) {
  ::glob_t matches{};
  const int code = ::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &matches);
  std::vector<DataFile> found;
  for (std::size_t i = 0; code == 0 && i < matches.gl_pathc; ++i) {
    const fs::path path = matches.gl_pathv[i];
    if (fs::is_regular_file(path)) found.push_back({path, path.filename().string()});
  }
  ::globfree(&matches);
  if (found.empty()) {
    throw DataError("dataset glob '" + given + "' matches no file (looked for " + pattern.string() +
                    "); check the pattern, in which * and ? do not match '/'");
  }
  std::sort(found.begin(), found.end(), [](const DataFile& a, const DataFile& b) { return a.path < b.path; });
  files.insert(files.end(), found.begin(), found.end());
}

}  // namespace

std::vector<DataFile> resolve_files(const std::vector<std::string>& paths, const std::string& base_dir,
                                    const std::vector<std::string>& endings) {
  if (paths.empty()) throw ConfigError("parameter 'path' is an empty list; name at least one file, folder or glob");
  std::vector<DataFile> files;
  for (const auto& given : paths) {
    const fs::path path = fs::path(base_dir) / given;
    if (fs::is_directory(path)) {
      add_folder(path, given, endings, files);
    } else if (fs::exists(path)) {
      files.push_back({path, path.filename().string()});
    } else if (given.find_first_of("*?[") != std::string::npos) {
      add_glob(path, given, files);
    } else {
      throw DataError("dataset path '" + given + "' is not there (looked for " + path.string() +
                      "); correct the dataset's 'path', which starts at the experiment's folder");
    }
  }
  std::set<fs::path> seen;
  std::set<std::string> labels;
  std::vector<DataFile> unique;
  double end = 0;
  for (auto& file : files) {
    if (!seen.insert(fs::weakly_canonical(file.path)).second) continue;
    std::error_code unknown;  // a pipe has no size
    const auto size = fs::file_size(file.path, unknown);
    if (!unknown && size == 0) {
      throw DataError("data file '" + file.path.string() + "' is empty; take it out of 'path' or fill it");
    }
    if (!unknown) end += static_cast<double>(size);
    file.end = end;
    const std::string name = file.label;
    for (int copy = 2; !labels.insert(file.label).second; ++copy) file.label = name + "~" + std::to_string(copy);
    unique.push_back(std::move(file));
  }
  return unique;
}

std::string unpacked_name(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  for (const std::string_view packed : {".gz", ".zst"}) {
    if (name.ends_with(packed)) name.resize(name.size() - packed.size());
  }
  return name;
}

double fraction_read(const std::vector<DataFile>& files, std::size_t reading, std::uint64_t taken) {
  const double all = files.empty() ? 0 : files.back().end;
  const double before = reading == 0 ? 0 : files[reading - 1].end;
  return all == 0 ? 1 : (before + static_cast<double>(taken)) / all;
}

std::string fingerprint_files(const std::vector<DataFile>& files, std::string_view settings) {
  Sha256 hash;
  hash.update(settings);
  for (const auto& file : files) {
    hash.update("\n");
    hash.update(file.label);
    hash.update("\n");
    hash.update(sha256_file(file.path));
  }
  return hash.hex();
}

}  // namespace temper::dataset_io
