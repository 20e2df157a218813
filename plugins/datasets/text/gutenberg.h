// Finds the book inside a Project Gutenberg file: the stretches of lines between its START and END marker lines, in the
// wordings used since the 1990s, with credit lines at the edges left out. Called by the text dataset before it reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace temper::dataset_text {

/// Lines `first` to `last` of a file, from 1, both inclusive.
struct LineRange {
  std::int64_t first = 1;
  std::int64_t last = INT64_MAX;
};

/// The whole file if it holds no marker. Reads the file once as a stream; throws DataError where it is damaged.
std::vector<LineRange> book_lines(const std::filesystem::path& path, std::int64_t max_line_mb);

}  // namespace temper::dataset_text
