// A HDF5 file that lives in memory and reaches the disk only as a whole: each save writes the complete image to a temporary
// file, syncs it and renames it into place. So the file on disk is whole at every instant, whatever kills the program.
// The image is followed by its SHA-256 (HDF5 ignores bytes behind its own end), so damage is found before HDF5 reads it.
#pragma once

#include <filesystem>
#include <string>

#include "host/record/hdf5.h"

namespace temper {

/// Keeps other writers away from `path` as long as it lives, by a lock on the file "<path>.lock".
class WriterLock {
 public:
  /// Throws DataError if another process (or this one) is writing the file.
  explicit WriterLock(const std::filesystem::path& path);
  ~WriterLock();
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  std::filesystem::path lock_path_;
  int descriptor_ = -1;
};

/// Throws DataError if there is something at `path`: a record is never overwritten.
void refuse_existing(const std::filesystem::path& path);

h5::Handle new_image();
/// A snapshot of the file as it is now; safe while another process writes it. Throws DataError in clear words for a file
/// that is missing, damaged, or no HDF5 file.
h5::Handle load_image(const std::filesystem::path& path, bool writable);
/// Of the check sum behind the image: it holds, it does not, or there is none (the end was cut off, or another program
/// rewrote the file). Throws DataError if the file cannot be read.
enum class Seal { kHolds, kBroken, kMissing };
Seal seal_of(const std::filesystem::path& path);
/// Durable when it returns. `exclusive`: DataError if `path` exists, also if another process made it a moment ago.
void save_image(hid_t file, const std::filesystem::path& path, bool exclusive);
/// Temporary files that a killed writer left; call only while holding the lock.
void remove_leftovers(const std::filesystem::path& path);

}  // namespace temper
