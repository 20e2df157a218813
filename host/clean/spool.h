// Documents on their way between two passes of a cleaning, in a file of cleaning's own: dropped ones with their story only,
// the others with their text as it is by now. Written in order by one thread, read in order or, for filters that compare
// documents, by number. Used by pipeline.h.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/clean/offsets.h"
#include "temper/filter.h"

namespace temper::clean {

/// A document and its story so far.
struct Passage {
  Document document;        ///< without text once it is dropped
  std::string sha256;       ///< of the text as it came
  std::uint64_t bytes = 0;  ///< of the text as it came
  OffsetMap offsets;
  std::string story;  ///< the ledger's entries so far: `"normalize":{...},"pii":{...}`
  bool dropped = false, edited = false;
};

std::string to_bytes(const Passage& passage);
/// Throws DataError for bytes that are none.
Passage passage_of(std::string_view bytes);

bool is_dropped(std::string_view record);  ///< without reading more of it

/// A file that grows at its end (the system writes along, so that a mark need not wait for all of it), opened at a known
/// length so that what a killed process had written beyond it is cut off. Throws DataError with the system's reason, for
/// instance a full disk.
class AppendFile {
 public:
  AppendFile(const std::filesystem::path& path, std::uint64_t length);
  void write(std::string_view bytes);
  std::uint64_t size() const { return size_; }
  void sync();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::uint64_t size_ = 0, begun_ = 0;  ///< bytes, and those whose way to the disk has begun
};

/// Records with their length in front, in order, up to `end` of the file. Throws DataError where a record is cut off.
class RecordStream {
 public:
  RecordStream(const std::filesystem::path& path, std::uint64_t end);
  bool next(std::string& record);
  void seek(std::uint64_t place);                 ///< to a record's begin
  std::uint64_t place() const { return place_; }  ///< of the next record
  double fraction() const { return end_ == 0 ? 1 : static_cast<double>(place_) / static_cast<double>(end_); }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::uint64_t place_ = 0, end_ = 0;
};
void write_record(AppendFile& file, std::string_view record);

/// The documents of a spool that are not dropped, by number. [any]
class SpoolTexts final : public CorpusTexts {
 public:
  /// `places` are those of the documents' records, by number.
  SpoolTexts(const std::filesystem::path& path, std::vector<std::uint64_t> places);
  ~SpoolTexts() override;
  std::uint64_t size() const override { return places_.size(); }
  std::string text(std::uint64_t number) const override;
  std::string id(std::uint64_t number) const;

 private:
  Passage read(std::uint64_t number) const;
  std::filesystem::path path_;
  int file_ = -1;
  std::vector<std::uint64_t> places_;
};

}  // namespace temper::clean
