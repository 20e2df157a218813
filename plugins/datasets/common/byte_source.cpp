// zlib and zstd behind one read call (see byte_source.h).
#include "byte_source.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace temper::dataset_io {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 16;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using FileHandle = std::unique_ptr<std::FILE, CloseFile>;

/// A file that counts what is read of it.
struct File {
  FileHandle handle;
  std::uint64_t taken = 0;
};

std::size_t read_file(File& file, char* out, std::size_t size) {
  const std::size_t count = std::fread(out, 1, size, file.handle.get());
  if (count < size && std::ferror(file.handle.get())) {
    throw DamagedBytes{std::string("cannot be read: ") + std::strerror(errno)};
  }
  file.taken += count;
  return count;
}

class PlainSource final : public ByteSource {
 public:
  explicit PlainSource(File file) : file_(std::move(file)) {}
  std::size_t read(char* out, std::size_t size) override { return read_file(file_, out, size); }
  std::uint64_t taken() const override { return file_.taken; }

 private:
  File file_;
};

class GzipSource final : public ByteSource {
 public:
  explicit GzipSource(File file) : file_(std::move(file)), input_(kBufferBytes) {
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) throw DamagedBytes{"cannot be unpacked: zlib did not start"};
  }
  ~GzipSource() override { inflateEnd(&stream_); }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  std::size_t read(char* out, std::size_t size) override {
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out > 0) {
      if (stream_.avail_in == 0) {
        stream_.avail_in = static_cast<uInt>(read_file(file_, input_.data(), input_.size()));
        stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
        if (stream_.avail_in == 0) {
          if (in_member_) throw DamagedBytes{"the gzip data is cut off before its end"};
          break;
        }
      }
      if (!in_member_ && !next_member()) continue;
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code == Z_STREAM_END) {
        in_member_ = false;
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        throw DamagedBytes{std::string("the gzip data is damaged (") + (stream_.msg ? stream_.msg : "zlib error") + ")"};
      }
    }
    return size - stream_.avail_out;
  }
  std::uint64_t taken() const override { return file_.taken; }

 private:
  /// gzip allows zero padding behind the last member; anything else there has to be another member.
  /// False if the bytes at hand were all padding.
  bool next_member() {
    while (!first_ && stream_.avail_in > 0 && *stream_.next_in == 0) {
      ++stream_.next_in;
      --stream_.avail_in;
    }
    if (stream_.avail_in == 0) return false;
    inflateReset(&stream_);
    first_ = false;
    in_member_ = true;
    return true;
  }

  File file_;
  std::vector<char> input_;
  z_stream stream_{};
  bool in_member_ = false, first_ = true;
};

class ZstdSource final : public ByteSource {
 public:
  explicit ZstdSource(File file) : file_(std::move(file)), buffer_(kBufferBytes), context_(ZSTD_createDCtx()) {}

  std::size_t read(char* out, std::size_t size) override {
    ZSTD_outBuffer output{out, size, 0};
    while (output.pos < output.size) {
      if (input_.pos == input_.size) {
        input_ = {buffer_.data(), read_file(file_, buffer_.data(), buffer_.size()), 0};
        if (input_.size == 0 && !in_frame_) break;
      }
      const std::size_t before = output.pos, had = input_.size - input_.pos;
      const std::size_t code = ZSTD_decompressStream(context_.get(), &output, &input_);
      if (ZSTD_isError(code)) {
        throw DamagedBytes{std::string("the Zstandard data is damaged (") + ZSTD_getErrorName(code) + ")"};
      }
      in_frame_ = code != 0;
      if (in_frame_ && had == 0 && output.pos == before) {
        throw DamagedBytes{"the Zstandard data is cut off before its end"};
      }
    }
    return output.pos;
  }
  std::uint64_t taken() const override { return file_.taken; }

 private:
  struct FreeContext {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  File file_;
  std::vector<char> buffer_;
  std::unique_ptr<ZSTD_DCtx, FreeContext> context_;
  ZSTD_inBuffer input_{nullptr, 0, 0};
  bool in_frame_ = false;
};

}  // namespace

std::string place(const std::filesystem::path& path, std::int64_t line) {
  return path.string() + ":" + std::to_string(line);
}

std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path) {
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  if (!std::filesystem::exists(status)) {
    throw DataError("data file '" + path.string() + "' is not there; check the dataset's path");
  }
  if (std::filesystem::is_directory(status)) {
    throw DataError("data file '" + path.string() + "' is a folder; name a file in it");
  }
  File file{FileHandle(std::fopen(path.c_str(), "rb"))};
  if (!file.handle) {
    throw DataError("data file '" + path.string() + "' cannot be opened: " + std::strerror(errno) +
                    "; check its permissions");
  }
  unsigned char magic[4] = {};
  const std::size_t count = std::fread(magic, 1, sizeof magic, file.handle.get());
  std::rewind(file.handle.get());
  if (count >= 2 && magic[0] == 0x1f && magic[1] == 0x8b) return std::make_unique<GzipSource>(std::move(file));
  constexpr unsigned char kZstdMagic[4] = {0x28, 0xb5, 0x2f, 0xfd};
  if (count == 4 && std::equal(magic, magic + 4, kZstdMagic)) return std::make_unique<ZstdSource>(std::move(file));
  const auto ending = path.extension();
  if (count > 0 && (ending == ".gz" || ending == ".zst")) {
    throw DataError("data file '" + path.string() + "' does not begin like a " + ending.string() +
                    " file; unpack it, rename it, or fetch it again");
  }
  return std::make_unique<PlainSource>(std::move(file));
}

BufferedBytes::BufferedBytes(const std::filesystem::path& path)
    : path_(path), source_(open_bytes(path)), buffer_(kBufferBytes) {}

std::string_view BufferedBytes::peek() {
  if (begin_ == end_ && !at_end_) {
    try {
      begin_ = 0;
      end_ = source_->read(buffer_.data(), buffer_.size());
    } catch (const DamagedBytes& damage) {
      throw DataError(place(path_, line_) + ": " + damage.what + "; make or fetch the file again");
    }
    at_end_ = end_ == 0;
  }
  return {buffer_.data() + begin_, end_ - begin_};
}

void BufferedBytes::consume(std::size_t count) {
  consume(count, std::count(buffer_.data() + begin_, buffer_.data() + begin_ + count, '\n'));
}

void BufferedBytes::consume(std::size_t count, std::int64_t line_feeds) {
  line_ += line_feeds;
  begin_ += count;
}

}  // namespace temper::dataset_io
