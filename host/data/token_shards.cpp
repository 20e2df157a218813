// Reading side of token shards (see token_shards.h).
#include "host/data/token_shards.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "temper/error.h"

namespace temper {
namespace {

static_assert(std::endian::native == std::endian::little, "token shards are little-endian and mapped as they are");

[[noreturn]] void damaged(const std::filesystem::path& path, const std::string& what) {
  throw DataError("token cache file '" + path.string() + "' is damaged: " + what + "; delete the folder '" +
                  path.parent_path().string() + "' and it is made anew");
}

}  // namespace

std::uint32_t shard_header_checksum(const ShardHeader& header) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(&header), offsetof(ShardHeader, header_checksum)));
}

TokenShard::TokenShard(const std::filesystem::path& path) {
  map(path);
  try {
    verify(path);
  } catch (...) {
    munmap(const_cast<char*>(data_), size_);
    throw;
  }
}

TokenShard::TokenShard(TokenShard&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(other.size_), header_(other.header_), table_(other.table_) {}

TokenShard::~TokenShard() {
  if (data_ != nullptr) munmap(const_cast<char*>(data_), size_);
}

void TokenShard::map(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) damaged(path, std::string("it cannot be opened (") + std::strerror(errno) + ")");
  struct stat facts {};
  const bool known = fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode);
  size_ = known ? static_cast<std::uint64_t>(facts.st_size) : 0;
  if (size_ < sizeof(ShardHeader)) {
    close(descriptor);
    damaged(path, "it has " + std::to_string(size_) + " bytes, fewer than its header takes");
  }
  void* data = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
  const int code = errno;
  close(descriptor);
  if (data == MAP_FAILED) {
    throw DataError("cannot map the token cache file '" + path.string() + "': " + std::strerror(code));
  }
  data_ = static_cast<const char*>(data);
}

void TokenShard::verify(const std::filesystem::path& path) {
  std::memcpy(&header_, data_, sizeof header_);
  if (std::memcmp(header_.magic, kShardMagic, sizeof kShardMagic) != 0) damaged(path, "it does not start as a token shard");
  if (header_.header_checksum != shard_header_checksum(header_)) damaged(path, "the checksum of its header is wrong");
  if (header_.version != kShardVersion) {
    damaged(path, "it has format version " + std::to_string(header_.version) + " where " + std::to_string(kShardVersion) +
                      " is read");
  }
  if (header_.id_bytes != 2 && header_.id_bytes != 4) damaged(path, "its header gives an impossible id size");
  // Division, not multiplication: a count that overflows must not pass.
  const std::uint64_t body = size_ - sizeof(ShardHeader);
  if (header_.tokens > body / header_.id_bytes || header_.documents > body / sizeof(ShardDocument) ||
      padded_id_bytes(header_.tokens, header_.id_bytes) + header_.documents * sizeof(ShardDocument) != body) {
    damaged(path, "it has " + std::to_string(size_) + " bytes, not what its header announces");
  }
  madvise(const_cast<char*>(data_), size_, MADV_SEQUENTIAL);
  const auto* bytes = reinterpret_cast<const Bytef*>(data_ + sizeof(ShardHeader));
  if (static_cast<std::uint32_t>(crc32_z(0, bytes, body)) != header_.body_checksum) damaged(path, "its checksum is wrong");
  madvise(const_cast<char*>(data_), size_, MADV_RANDOM);
  table_ = reinterpret_cast<const ShardDocument*>(data_ + sizeof(ShardHeader) +
                                                  padded_id_bytes(header_.tokens, header_.id_bytes));
  for (std::uint64_t i = 0; i < header_.documents; ++i) {
    if (table_[i].offset > header_.tokens || table_[i].length > header_.tokens - table_[i].offset) {
      damaged(path, "its document " + std::to_string(i) + " lies outside it");
    }
  }
}

void TokenShard::read(std::uint64_t offset, std::uint64_t count, std::vector<std::int32_t>& ids) const {
  const char* body = data_ + sizeof(ShardHeader);
  if (header_.id_bytes == 2) {
    const auto* begin = reinterpret_cast<const std::uint16_t*>(body) + offset;
    ids.insert(ids.end(), begin, begin + count);
  } else {
    const auto* begin = reinterpret_cast<const std::int32_t*>(body) + offset;
    ids.insert(ids.end(), begin, begin + count);
  }
}

}  // namespace temper
