// Durable file writing (see files.h).
#include "host/util/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "temper/error.h"

namespace temper {
namespace {

[[noreturn]] void fail(const std::string& action, const std::filesystem::path& path) {
  const int code = errno;
  std::string message = "cannot " + action + " '" + path.string() + "': " + std::strerror(code);
  if (code == ENOSPC) message += "; free some space and run `temper resume`";
  throw DataError(message);
}

}  // namespace

std::string read_text_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("read file", path);
  std::ostringstream content;
  content << file.rdbuf();
  return std::move(content).str();
}

void sync_path(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY);
  if (descriptor < 0) fail("open", path);
  const bool failed = fsync(descriptor) != 0;
  const int code = errno;
  close(descriptor);
  errno = code;
  if (failed) fail("write", path);
}

namespace {

/// A plain name lies in the current folder.
void sync_parent(const std::filesystem::path& path) { sync_path(path.has_parent_path() ? path.parent_path() : "."); }

}  // namespace

void write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  const std::filesystem::path temporary = path.string() + ".tmp" + std::to_string(getpid());
  const int descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (descriptor < 0) fail("write file", path);
  std::size_t done = 0;
  bool ok = true;
  while (ok && done < content.size()) {
    const ssize_t count = write(descriptor, content.data() + done, content.size() - done);
    if (count < 0 && errno == EINTR) continue;
    ok = count >= 0;
    if (ok) done += static_cast<std::size_t>(count);
  }
  ok = ok && fsync(descriptor) == 0;
  const int code = errno;
  close(descriptor);
  errno = code;
  if (!ok || rename(temporary.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    unlink(temporary.c_str());
    errno = reason;
    fail("write file", path);
  }
  sync_parent(path);
}

void create_folders(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw DataError("cannot create folder '" + path.string() + "': " + error.message());
}

void publish_folder(const std::filesystem::path& staging, const std::filesystem::path& final_path) {
  for (const auto& entry : std::filesystem::directory_iterator(staging)) sync_path(entry.path());
  sync_path(staging);
  if (std::filesystem::exists(final_path)) {
    // rename(2) does not replace a folder with content, so the old one steps aside first.
    const std::filesystem::path old = final_path.string() + ".old" + std::to_string(getpid());
    if (rename(final_path.c_str(), old.c_str()) != 0) fail("replace folder", final_path);
    if (rename(staging.c_str(), final_path.c_str()) != 0) fail("write folder", final_path);
    std::filesystem::remove_all(old);
  } else if (rename(staging.c_str(), final_path.c_str()) != 0) {
    fail("write folder", final_path);
  }
  sync_parent(final_path);
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder, const std::string& extension) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::filesystem::path> program_folders(const std::string& sort) {
  std::vector<std::filesystem::path> folders;
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return folders;
  const std::filesystem::path here = program.parent_path();
  for (const char* place : {"", "../lib/temper", "../lib/x86_64-linux-gnu/temper", "../lib64/temper"}) {
    const auto candidate = here / place / sort;
    if (std::filesystem::is_directory(candidate)) folders.push_back(std::filesystem::canonical(candidate));
  }
  return folders;
}

}  // namespace temper
