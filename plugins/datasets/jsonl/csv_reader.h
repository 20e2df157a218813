// Rows of a CSV file with a header, one at a time and in bounded memory, each as the JSON object that it stands for: names
// from the header, every value a text. Quoted fields may hold commas, line breaks and doubled quotes (RFC 4180). Used by
// record_reader.cpp for files that end in .csv; what the fields mean is in rows.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "byte_source.h"

namespace temper::dataset_jsonl {

struct Record;

class CsvReader {
 public:
  /// Throws DataError if the header is missing or names a column twice.
  CsvReader(const std::filesystem::path& path, std::int64_t max_line_mb);
  /// False at the end. A row with too many or too few fields, or not UTF-8, comes out as a problem. Throws DataError where
  /// a quote is never closed or a row is longer than the limit.
  bool next(Record& record);
  std::uint64_t taken() const { return bytes_.taken(); }

 private:
  bool read_row(std::vector<std::string>& fields);

  dataset_io::BufferedBytes bytes_;
  std::int64_t max_line_mb_;
  std::vector<std::string> header_;
  std::string misplaced_;  ///< what is wrong with the quotes of the latest row
  std::int64_t row_line_ = 1;
};

}  // namespace temper::dataset_jsonl
