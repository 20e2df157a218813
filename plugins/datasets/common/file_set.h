// From the `path` parameter (files, folders, globs) to a fixed list of files, and from that list to a fingerprint.
// The order depends on names only, never on the file system. Used by the file datasets when they are made.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "temper/error.h"

namespace temper::dataset_io {

struct DataFile {
  std::filesystem::path path;
  std::string label;  ///< for ids: the name within what the user gave, unique in the list, free of machine paths
  double end = 0;     ///< bytes of all files up to this one and with it, as they were when the list was made
};

/// `endings` (".txt", ...) choose files inside a folder, each also with .gz or .zst behind it; files and globs that the
/// user names are taken as they are. Throws DataError for a missing path, a glob or folder without a match, an empty file.
std::vector<DataFile> resolve_files(const std::vector<std::string>& paths, const std::string& base_dir,
                                    const std::vector<std::string>& endings);

/// A file's name without ".gz" or ".zst" at its end: its last ending then says what it holds.
std::string unpacked_name(const std::filesystem::path& path);

/// How much of the files has been read, from 0 to 1: those in front of number `reading` and `taken` bytes of that one.
double fraction_read(const std::vector<DataFile>& files, std::size_t reading, std::uint64_t taken);

/// SHA-256 over `settings` and every file's label and content, read as a stream.
std::string fingerprint_files(const std::vector<DataFile>& files, std::string_view settings);

}  // namespace temper::dataset_io
