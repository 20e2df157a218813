// Small file helpers that keep what is on disk whole: write to a temporary name, sync, rename. All throw DataError with the
// path and the system's reason.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace temper {

std::string read_text_file(const std::filesystem::path& path);
/// Atomic and durable: readers see the old content or the new one, also after a crash.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);
void sync_path(const std::filesystem::path& path);  ///< fsync of a file or folder
/// Folder `final_path` appears complete or not at all: the caller fills `staging`, this syncs and renames it.
void publish_folder(const std::filesystem::path& staging, const std::filesystem::path& final_path);
void create_folders(const std::filesystem::path& path);
/// What is directly in a folder with this extension (".h5"), by name.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder, const std::string& extension);

/// Where the running program's libraries of one sort ("plugins") lie: beside it in a build, under lib/ when installed. Only
/// folders that exist.
std::vector<std::filesystem::path> program_folders(const std::string& sort);

}  // namespace temper
