// JSON texts of a file, one at a time and in bounded memory: a JSON object a line, the elements of one top-level JSON
// array (told apart by the first character), or the rows of a file whose name ends in .csv. Used by the jsonl dataset; what
// the objects mean is in rows.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "byte_source.h"
#include "csv_reader.h"
#include "line_reader.h"

namespace temper::dataset_jsonl {

struct Record {
  std::string text;
  std::int64_t line = 0;  ///< where it begins, from 1
  std::string problem;    ///< not empty: `text` is not to be used; a sentence with file:line and the fix
};

class RecordReader {
 public:
  RecordReader(const std::filesystem::path& path, std::int64_t max_line_mb);
  /// False at the end. Throws DataError where the file is damaged, cut off, or holds no record at all.
  bool next(Record& record);
  std::uint64_t taken() const;  ///< bytes of the file

 private:
  bool next_line(Record& record);
  bool next_element(Record& record);
  void expect_only_blanks();

  std::filesystem::path path_;
  std::int64_t max_line_mb_;
  std::optional<dataset_io::LineReader> lines_;
  dataset_io::Line line_;  ///< its room is used again
  std::optional<CsvReader> csv_;
  std::optional<dataset_io::BufferedBytes> array_;
  bool array_done_ = false;
  std::int64_t records_ = 0;
};

}  // namespace temper::dataset_jsonl
