// Where cleaned documents and the ledger go: JSON lines in shards of bounded size for people and other programs, or a spool
// for an experiment. A sink can be stopped at a mark and opened there again, which is what makes a cleaning resumable.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "host/clean/spool.h"

namespace temper::clean {

class Sink {
 public:
  virtual ~Sink() = default;
  /// One line's worth of a document that stays. [any]
  virtual std::string render(const Passage& passage) const = 0;
  virtual void write(std::string_view rendered) = 0;
  /// Everything so far is on disk; the text says where to go on.
  virtual std::string mark() = 0;
};

enum class Packing { kNone, kGzip, kZstd };
/// From a file's ending.
Packing packing_of(const std::filesystem::path& path);

/// {"id": ..., "text": ..., other fields as they came}. Files `folder`/part-00000.jsonl[.gz|.zst] of about `shard_bytes`
/// unpacked each, or the one file `single`. `mark` is "" to begin, or what mark() gave.
std::unique_ptr<Sink> jsonl_sink(const std::filesystem::path& folder, const std::filesystem::path& single, Packing packing,
                                 std::uint64_t shard_bytes, const std::string& mark);
/// Records for RecordStream and passage_of().
std::unique_ptr<Sink> spool_sink(const std::filesystem::path& path, const std::string& mark);

/// A text as a JSON string, with its quotes. The text has to be valid UTF-8.
void append_json_string(std::string& out, std::string_view text);

/// A file of packed or plain lines that can be ended and gone on with: each stretch is a gzip member or a Zstandard frame.
class PackedFile {
 public:
  PackedFile(const std::filesystem::path& path, std::uint64_t length, Packing packing);
  ~PackedFile();
  void write(std::string_view bytes);
  /// Ends the stretch and syncs; the length of the file.
  std::uint64_t end();

 private:
  struct Packer;
  AppendFile file_;
  std::unique_ptr<Packer> packer_;
};

}  // namespace temper::clean
