// Whole-file images of HDF5 files (see image_file.h).
#include "host/record/image_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "host/util/file_lock.h"
#include "host/util/files.h"
#include "temper/error.h"
#include "temper/hash.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

constexpr char kTrailerMark[] = "\ntemper sha256 ";
constexpr std::size_t kTrailerSize = sizeof kTrailerMark - 1 + 64 + 1;
/// Where the superblock of HDF5's earliest format says that the file is open for writing.
constexpr std::size_t kOpenMark = 20;
constexpr std::size_t kGrowth = 1 << 18;

h5::Handle memory_access() {
  h5::Handle access = h5::own(H5Pcreate(H5P_FILE_ACCESS), "set up the record");
  h5::require(H5Pset_fapl_core(access, kGrowth, 0), "set up the record");
  // The earliest format: a file of the latest one carries "open for write" flags that outlive a killed writer.
  h5::require(H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST), "set up the record");
  return access;
}

/// HDF5 takes two open images of one name for the same file, and a run's record may be read while it is written.
std::string unique_name() {
  static std::atomic<unsigned long> count{0};
  return "temper-image-" + std::to_string(++count);
}

std::string trailer(std::string_view image) { return kTrailerMark + sha256_hex(image) + "\n"; }

/// Cuts the trailer off and checks it.
Seal take_seal(std::string& content) {
  if (content.size() < kTrailerSize) return Seal::kMissing;
  const std::size_t at = content.size() - kTrailerSize;
  if (content.compare(at, sizeof kTrailerMark - 1, kTrailerMark) != 0) return Seal::kMissing;
  const std::string found = content.substr(at);
  content.resize(at);
  // Another program that opens the file for writing marks it so at once, long before it changes anything.
  if (content.size() > kOpenMark && content[kOpenMark] == 1) content[kOpenMark] = 0;
  return found == trailer(content) ? Seal::kHolds : Seal::kBroken;
}

[[noreturn]] void already_there(const fs::path& path) {
  throw DataError("record '" + path.string() + "' exists already and is never overwritten; use `temper resume " +
                  path.string() + "` to go on with it, or choose another output folder");
}

void publish_exclusively(const fs::path& path, const std::string& content) {
  const fs::path staged = path.string() + ".tmp-new" + std::to_string(getpid());
  write_file_atomically(staged, content);
  bool made = link(staged.c_str(), path.c_str()) == 0;
  int reason = errno;
  if (!made && (reason == EPERM || reason == ENOTSUP || reason == EOPNOTSUPP || reason == ENOSYS)) {
    // A file system without hard links: claim the name first, then put the content there.
    const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    reason = errno;
    if (descriptor >= 0) close(descriptor);
    made = descriptor >= 0 && rename(staged.c_str(), path.c_str()) == 0;
    if (descriptor >= 0 && !made) reason = errno;
  }
  unlink(staged.c_str());
  if (!made && reason == EEXIST) already_there(path);
  if (!made) throw DataError("cannot create record '" + path.string() + "': " + std::strerror(reason));
  sync_path(path.has_parent_path() ? path.parent_path() : ".");
}

}  // namespace

WriterLock::WriterLock(const fs::path& path) : lock_path_(path.string() + ".lock") {
  while (true) {
    descriptor_ = open(lock_path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) {
      throw DataError("cannot write beside record '" + path.string() + "': " + std::strerror(errno));
    }
    bool is_locked = false;
    try {
      is_locked = try_lock_file(descriptor_, lock_path_, "put the record on a file system that has locks");
    } catch (...) {
      close(descriptor_);
      throw;
    }
    if (!is_locked) {
      close(descriptor_);
      throw DataError("record '" + path.string() +
                      "' is being written by another process; wait for that run to end, or stop it first");
    }
    // The holder before us removes the file as it leaves: a lock on a name that is gone locks nobody out.
    struct stat held {
    }, named{};
    if (fstat(descriptor_, &held) == 0 && stat(lock_path_.c_str(), &named) == 0 && held.st_ino == named.st_ino) return;
    close(descriptor_);
  }
}

WriterLock::~WriterLock() {
  unlink(lock_path_.c_str());
  close(descriptor_);
}

void refuse_existing(const fs::path& path) {
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(path, ignored))) already_there(path);
}

h5::Handle new_image() {
  return h5::own(H5Fcreate(unique_name().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, memory_access()), "start a record");
}

h5::Handle load_image(const fs::path& path, bool writable) {
  if (fs::is_directory(path)) throw DataError("'" + path.string() + "' is a folder, not a record; name the .h5 file");
  if (!fs::exists(path)) throw DataError("record '" + path.string() + "' does not exist");
  std::string content = read_text_file(path);
  if (content.empty()) throw DataError("record '" + path.string() + "' is empty; delete it and run the experiment again");
  // A file that another program rewrote has no seal; HDF5 judges it.
  if (take_seal(content) == Seal::kBroken) {
    throw DataError("record '" + path.string() +
                    "' is damaged: its content does not match its check sum; restore a copy, or run the experiment again");
  }
  const h5::Handle access = memory_access();
  h5::require(H5Pset_file_image(access, content.data(), content.size()), "read record '" + path.string() + "'");
  h5::Handle file(H5Fopen(unique_name().c_str(), writable ? H5F_ACC_RDWR : H5F_ACC_RDONLY, access));
  if (file < 0) {
    throw DataError("record '" + path.string() + "' is damaged or not a HDF5 file (HDF5 says: " + h5::last_error() +
                    "); restore a copy, or run the experiment again");
  }
  return file;
}

Seal seal_of(const fs::path& path) {
  std::string content = read_text_file(path);
  return take_seal(content);
}

void save_image(hid_t file, const fs::path& path, bool exclusive) {
  h5::require(H5Fflush(file, H5F_SCOPE_GLOBAL), "write record '" + path.string() + "'");
  const ssize_t size = H5Fget_file_image(file, nullptr, 0);
  h5::require(size < 0 ? -1 : 0, "write record '" + path.string() + "'");
  std::string content(static_cast<std::size_t>(size), '\0');
  h5::require(H5Fget_file_image(file, content.data(), content.size()) < 0 ? -1 : 0, "write record '" + path.string() + "'");
  content += trailer(content);
  if (exclusive) {
    publish_exclusively(path, content);
  } else {
    write_file_atomically(path, content);
  }
}

void remove_leftovers(const fs::path& path) {
  const std::string prefix = path.filename().string() + ".tmp";
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path.has_parent_path() ? path.parent_path() : ".", ignored)) {
    if (entry.path().filename().string().rfind(prefix, 0) == 0) fs::remove(entry.path(), ignored);
  }
}

}  // namespace temper
