// Bytes of a file, unpacked on the way: plain, gzip (also several members in a row) and Zstandard (also several frames),
// told apart by their first bytes, never by the file's name. Memory is a few fixed buffers whatever the size of the file.
// Used by the readers in this folder; turning bytes into lines or records is theirs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "temper/error.h"

namespace temper::dataset_io {

/// What some programs put in front of UTF-8.
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Up to `size` bytes into `out`; 0 at the end. Throws DamagedBytes if the compressed data is broken or cut off.
  virtual std::size_t read(char* out, std::size_t size) = 0;
  /// Bytes of the file taken so far, packed as they are there.
  virtual std::uint64_t taken() const = 0;
};

/// What is wrong with the bytes, as the second half of a sentence; the caller knows the line and makes it a DataError.
struct DamagedBytes {
  std::string what;
};

/// Throws DataError if the file is missing, a folder, or cannot be opened.
std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path);

/// A byte source with a look-ahead buffer and a line count.
class BufferedBytes {
 public:
  explicit BufferedBytes(const std::filesystem::path& path);
  /// The bytes at hand, filled again when empty; an empty view only at the end. Throws DataError with file:line.
  std::string_view peek();
  void consume(std::size_t count);
  /// For a caller that knows how many line feeds are among them.
  void consume(std::size_t count, std::int64_t line_feeds);
  /// Of the next byte, from 1.
  std::int64_t line() const { return line_; }
  const std::filesystem::path& path() const { return path_; }
  std::uint64_t taken() const { return source_->taken(); }

 private:
  std::filesystem::path path_;
  std::unique_ptr<ByteSource> source_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::int64_t line_ = 1;
  bool at_end_ = false;
};

/// "file:line", for messages and for the `source` of rows.
std::string place(const std::filesystem::path& path, std::int64_t line);

}  // namespace temper::dataset_io
