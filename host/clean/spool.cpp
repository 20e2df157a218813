// Length-prefixed records (see spool.h). Byte order is the machine's: the file never leaves it.
#include "host/clean/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace temper::clean {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw DataError("'" + path.string() + "' cannot be " + what + ": " + std::strerror(errno) +
                  (errno == ENOSPC ? "; make room and start the same command again, it goes on where it stopped" : ""));
}

void put(std::string& bytes, std::string_view part) {
  const std::uint64_t size = part.size();
  bytes.append(reinterpret_cast<const char*>(&size), sizeof size).append(part);
}

std::string_view take(std::string_view& bytes) {
  std::uint64_t size = 0;
  if (bytes.size() < sizeof size) throw DataError("a record of the work folder is cut off; start again with --fresh");
  std::memcpy(&size, bytes.data(), sizeof size);
  bytes.remove_prefix(sizeof size);
  if (size > bytes.size()) throw DataError("a record of the work folder is cut off; start again with --fresh");
  const std::string_view part = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return part;
}

}  // namespace

std::string to_bytes(const Passage& passage) {
  std::string bytes;
  bytes.reserve(passage.document.text.size() + passage.story.size() + 256);
  bytes += static_cast<char>((passage.dropped ? 1 : 0) | (passage.edited ? 2 : 0));
  bytes.append(reinterpret_cast<const char*>(&passage.bytes), sizeof passage.bytes);
  for (const auto& part : {passage.document.id, passage.document.source, passage.document.attributes_json, passage.sha256,
                           passage.offsets.to_bytes(), passage.story}) {
    put(bytes, part);
  }
  put(bytes, passage.document.text);
  return bytes;
}

Passage passage_of(std::string_view bytes) {
  Passage passage;
  if (bytes.size() < 1 + sizeof passage.bytes)
    throw DataError("a record of the work folder is cut off; start again with --fresh");
  passage.dropped = (bytes[0] & 1) != 0;
  passage.edited = (bytes[0] & 2) != 0;
  std::memcpy(&passage.bytes, bytes.data() + 1, sizeof passage.bytes);
  bytes.remove_prefix(1 + sizeof passage.bytes);
  passage.document.id = take(bytes);
  passage.document.source = take(bytes);
  passage.document.attributes_json = take(bytes);
  passage.sha256 = take(bytes);
  passage.offsets = OffsetMap::from_bytes(take(bytes));
  passage.story = take(bytes);
  passage.document.text = take(bytes);
  return passage;
}

bool is_dropped(std::string_view record) { return !record.empty() && (record[0] & 1) != 0; }

AppendFile::AppendFile(const std::filesystem::path& path, std::uint64_t length)
    : path_(path), size_(length), begun_(length) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) fail(path, "opened for writing");
  if (::ftruncate(file, static_cast<off_t>(length)) != 0 || ::lseek(file, 0, SEEK_END) < 0) {
    ::close(file);
    fail(path, "set to its length");
  }
  file_.reset(::fdopen(file, "wb"));
  if (!file_) fail(path, "opened for writing");
  std::setvbuf(file_.get(), nullptr, _IOFBF, std::size_t{1} << 20);
}

void AppendFile::write(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) fail(path_, "written");
  size_ += bytes.size();
  constexpr std::uint64_t kAtOnce = std::uint64_t{8} << 20;
  if (size_ - begun_ < kAtOnce) return;
  if (std::fflush(file_.get()) != 0) fail(path_, "written");
  // Only a hint; whether it got there is asked by sync().
  ::sync_file_range(::fileno(file_.get()), static_cast<off_t>(begun_), static_cast<off_t>(size_ - begun_),
                    SYNC_FILE_RANGE_WRITE);
  begun_ = size_;
}

void AppendFile::sync() {
  if (std::fflush(file_.get()) != 0 || ::fdatasync(::fileno(file_.get())) != 0) fail(path_, "written");
}

void write_record(AppendFile& file, std::string_view record) {
  const std::uint64_t size = record.size();
  file.write({reinterpret_cast<const char*>(&size), sizeof size});
  file.write(record);
}

RecordStream::RecordStream(const std::filesystem::path& path, std::uint64_t end)
    : path_(path), file_(std::fopen(path.c_str(), "rb")), end_(end) {
  if (!file_) fail(path, "opened");
  std::setvbuf(file_.get(), nullptr, _IOFBF, std::size_t{1} << 20);
}

void RecordStream::seek(std::uint64_t place) {
  if (::fseeko(file_.get(), static_cast<off_t>(place), SEEK_SET) != 0) fail(path_, "read");
  place_ = place;
}

bool RecordStream::next(std::string& record) {
  if (place_ >= end_) return false;
  std::uint64_t size = 0;
  const bool sized = std::fread(&size, 1, sizeof size, file_.get()) == sizeof size && size <= end_ - place_ - sizeof size;
  if (sized) record.resize(size);
  if (!sized || std::fread(record.data(), 1, size, file_.get()) != size) {
    throw DataError("'" + path_.string() + "' is damaged at byte " + std::to_string(place_) + "; start again with --fresh");
  }
  place_ += sizeof size + size;
  return true;
}

SpoolTexts::SpoolTexts(const std::filesystem::path& path, std::vector<std::uint64_t> places)
    : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), places_(std::move(places)) {
  if (file_ < 0) fail(path, "opened");
}

SpoolTexts::~SpoolTexts() {
  if (file_ >= 0) ::close(file_);
}

Passage SpoolTexts::read(std::uint64_t number) const {
  const std::uint64_t place = places_.at(number);
  std::uint64_t size = 0;
  std::string record;
  const auto read_at = [&](char* out, std::uint64_t count, std::uint64_t at) {
    while (count > 0) {
      const ssize_t got = ::pread(file_, out, count, static_cast<off_t>(at));
      if (got <= 0) fail(path_, "read");
      out += got;
      at += static_cast<std::uint64_t>(got);
      count -= static_cast<std::uint64_t>(got);
    }
  };
  read_at(reinterpret_cast<char*>(&size), sizeof size, place);
  record.resize(size);
  read_at(record.data(), size, place + sizeof size);
  return passage_of(record);
}

std::string SpoolTexts::text(std::uint64_t number) const { return read(number).document.text; }
std::string SpoolTexts::id(std::uint64_t number) const { return read(number).document.id; }

}  // namespace temper::clean
