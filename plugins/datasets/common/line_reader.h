// Lines of a text file in bounded memory: line ends (\n and \r\n) and a byte order mark are taken off, UTF-8 is checked.
// A line that is too long or not UTF-8 comes out as a problem, so that the caller decides between an error and a skip.
// Used by the file datasets; what a line means is theirs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "byte_source.h"

namespace temper::dataset_io {

struct Line {
  std::string text;
  std::int64_t number = 0;  ///< from 1
  std::string problem;      ///< not empty: `text` is not to be used; a sentence with file:line and the fix
};

class LineReader {
 public:
  LineReader(const std::filesystem::path& path, std::int64_t max_line_mb);
  /// False at the end. Throws DataError with file:line where the file is damaged or cut off.
  bool next(Line& line);
  std::uint64_t taken() const { return bytes_.taken(); }

 private:
  BufferedBytes bytes_;
  std::int64_t max_line_mb_;
};

/// Position of the first byte that is not valid UTF-8 (overlong forms and surrogates count as invalid), or npos.
std::size_t find_invalid_utf8(std::string_view text);

}  // namespace temper::dataset_io
