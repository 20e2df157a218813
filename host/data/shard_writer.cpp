// Writing side of token shards (see token_shards.h): each file is written under a temporary name and renamed when whole.
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "host/data/token_shards.h"
#include "temper/error.h"
#include "temper/hash.h"

namespace temper {
namespace {

std::string shard_name(std::size_t index) {
  char name[32];
  std::snprintf(name, sizeof name, "shard-%05zu.tokens", index);
  return name;
}

[[noreturn]] void cannot_write(const std::filesystem::path& path) {
  const int code = errno;
  throw DataError("cannot write the token cache file '" + path.string() + "': " + std::strerror(code) +
                  (code == ENOSPC ? "; free some space or move the cache" : "; check that the folder may be written"));
}

}  // namespace

TokenShardWriter::TokenShardWriter(std::filesystem::path folder, std::int64_t vocab_size, std::uint64_t shard_bytes)
    : folder_(std::move(folder)), vocab_size_(vocab_size), shard_bytes_(shard_bytes) {}

TokenShardWriter::~TokenShardWriter() {
  if (file_ == nullptr) return;
  std::fclose(file_);
  unlink(temporary_path().c_str());
}

std::filesystem::path TokenShardWriter::temporary_path() const { return folder_ / (shard_name(shards_.size()) + ".tmp"); }

void TokenShardWriter::open_shard() {
  file_ = std::fopen(temporary_path().c_str(), "wb");
  if (file_ == nullptr) cannot_write(temporary_path());
  std::setvbuf(file_, nullptr, _IOFBF, 1 << 20);
  header_ = {};
  std::memcpy(header_.magic, kShardMagic, sizeof kShardMagic);
  header_.version = kShardVersion;
  header_.id_bytes = vocab_size_ <= 65536 ? 2 : 4;
  table_.clear();
  // Counts and checksums are known at the end; until then the header is zeros, which no reader accepts.
  const ShardHeader blank{};
  if (std::fwrite(&blank, sizeof blank, 1, file_) != 1) cannot_write(temporary_path());
}

void TokenShardWriter::write(const void* data, std::size_t size) {
  if (size == 0) return;
  header_.body_checksum = static_cast<std::uint32_t>(crc32_z(header_.body_checksum, static_cast<const Bytef*>(data), size));
  if (std::fwrite(data, 1, size, file_) != size) cannot_write(temporary_path());
}

void TokenShardWriter::add(std::string_view document_id, std::uint64_t text_bytes, std::span<const std::int32_t> ids) {
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= vocab_size_) {
      throw PluginError("the tokenizer gave id " + std::to_string(id) + ", outside its vocabulary of " +
                        std::to_string(vocab_size_));
    }
  }
  if (file_ == nullptr) open_shard();
  const auto digest = Sha256().update(document_id).digest();
  ShardDocument document{header_.tokens, ids.size(), text_bytes, 0};
  std::memcpy(&document.id_hash, digest.data(), sizeof document.id_hash);
  table_.push_back(document);
  if (header_.id_bytes == 2) {
    narrow_.assign(ids.begin(), ids.end());
    write(narrow_.data(), narrow_.size() * sizeof narrow_[0]);
  } else {
    write(ids.data(), ids.size_bytes());
  }
  ++header_.documents;
  header_.tokens += ids.size();
  header_.text_bytes += text_bytes;
  if (header_.tokens * header_.id_bytes >= shard_bytes_) close_shard();
}

void TokenShardWriter::close_shard() {
  static constexpr char kZeros[8] = {};
  write(kZeros, padded_id_bytes(header_.tokens, header_.id_bytes) - header_.tokens * header_.id_bytes);
  write(table_.data(), table_.size() * sizeof table_[0]);
  header_.header_checksum = shard_header_checksum(header_);
  const bool written = std::fseek(file_, 0, SEEK_SET) == 0 && std::fwrite(&header_, sizeof header_, 1, file_) == 1 &&
                       std::fflush(file_) == 0 && fsync(fileno(file_)) == 0;
  if (!written) cannot_write(temporary_path());
  const auto temporary = temporary_path();
  std::fclose(file_);
  file_ = nullptr;
  const std::string name = shard_name(shards_.size());
  if (std::rename(temporary.c_str(), (folder_ / name).c_str()) != 0) cannot_write(folder_ / name);
  shards_.push_back({name, header_.documents, header_.tokens, header_.text_bytes});
}

std::vector<ShardFacts> TokenShardWriter::finish() {
  if (file_ != nullptr) close_shard();
  return shards_;
}

}  // namespace temper
