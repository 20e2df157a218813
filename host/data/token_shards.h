// Tokenised documents on disk: files of bounded size that are mapped, not read, so that a corpus may be larger than memory.
// A shard is a header, the ids of all its documents (16 bits each if the vocabulary allows, else 32), and a table of
// documents. Sizes are checked against the file before anything is touched, and a checksum covers every byte, once, on
// opening. The writer lives in shard_writer.cpp. Called by corpus.h; knows nothing of datasets or tokenizers.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace temper {

struct ShardHeader {
  char magic[8];
  std::uint32_t version;
  std::uint32_t id_bytes;  ///< 2 or 4
  std::uint64_t documents, tokens, text_bytes;
  std::uint32_t body_checksum;    ///< CRC-32 of all that follows the header
  std::uint32_t header_checksum;  ///< CRC-32 of the header up to here
};
static_assert(sizeof(ShardHeader) == 48);

inline constexpr char kShardMagic[8] = {'T', 'M', 'P', 'R', 'T', 'O', 'K', '\n'};
inline constexpr std::uint32_t kShardVersion = 1;

struct ShardDocument {
  std::uint64_t offset, length;  ///< in tokens, within the shard
  std::uint64_t bytes;           ///< of the text
  std::uint64_t id_hash;         ///< first 64 bits of the SHA-256 of the document's id
};
static_assert(sizeof(ShardDocument) == 32);

/// Ids are followed by zeros up to a multiple of 8 bytes, so that the table is aligned.
constexpr std::uint64_t padded_id_bytes(std::uint64_t tokens, std::uint32_t id_bytes) {
  return (tokens * id_bytes + 7) / 8 * 8;
}
std::uint32_t shard_header_checksum(const ShardHeader& header);

/// One mapped and verified file. [any]
class TokenShard {
 public:
  /// Throws DataError that names the file and what is wrong with it.
  explicit TokenShard(const std::filesystem::path& path);
  TokenShard(TokenShard&& other) noexcept;
  ~TokenShard();

  std::uint64_t documents() const { return header_.documents; }
  std::uint64_t tokens() const { return header_.tokens; }
  std::uint64_t text_bytes() const { return header_.text_bytes; }
  const ShardDocument& document(std::uint64_t index) const { return table_[index]; }
  /// Appends `count` ids from `offset` on. The caller stays within tokens().
  void read(std::uint64_t offset, std::uint64_t count, std::vector<std::int32_t>& ids) const;

 private:
  void map(const std::filesystem::path& path);
  void verify(const std::filesystem::path& path);

  const char* data_ = nullptr;
  std::uint64_t size_ = 0;
  ShardHeader header_{};
  const ShardDocument* table_ = nullptr;
};

struct ShardFacts {
  std::string file;
  std::uint64_t documents = 0, tokens = 0, text_bytes = 0;
};

/// Streams documents into shards; holds no more than one shard's document table.
class TokenShardWriter {
 public:
  static constexpr std::uint64_t kShardBytes = 64ULL << 20;
  /// A shard is closed once its ids take `shard_bytes`; a document is never cut.
  TokenShardWriter(std::filesystem::path folder, std::int64_t vocab_size, std::uint64_t shard_bytes = kShardBytes);
  ~TokenShardWriter();
  TokenShardWriter(const TokenShardWriter&) = delete;
  TokenShardWriter& operator=(const TokenShardWriter&) = delete;

  /// Throws PluginError for an id outside the vocabulary, DataError if the disk refuses.
  void add(std::string_view document_id, std::uint64_t text_bytes, std::span<const std::int32_t> ids);
  /// Closes the last shard and lists all of them.
  std::vector<ShardFacts> finish();

 private:
  void open_shard();
  void close_shard();
  void write(const void* data, std::size_t size);
  std::filesystem::path temporary_path() const;

  std::filesystem::path folder_;
  std::int64_t vocab_size_;
  std::uint64_t shard_bytes_;
  std::FILE* file_ = nullptr;
  ShardHeader header_{};
  std::vector<ShardDocument> table_;
  std::vector<std::uint16_t> narrow_;
  std::vector<ShardFacts> shards_;
};

}  // namespace temper
