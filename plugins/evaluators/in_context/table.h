// Rows of data files: JSONL, CSV with a header, or plain text, each also with .gz. Every row is a JSON object (values of CSV
// and text files are texts) that knows its file and line. Used by items.cpp; what the fields mean is the task's business.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace temper::in_context {

struct Row {
  nlohmann::json fields;  ///< an object
  std::string source;     ///< "file:line", for messages
  std::string id;         ///< the line, with the file's name before it where there are several files
};

/// All rows of a file, in order. Text files are one row with the field `text`, or several, each beginning at a match of
/// `split_before` (a regular expression, multi-line; "" is none). Throws DataError with file and line.
std::vector<Row> read_table(const std::filesystem::path& path, const std::string& split_before = "");

}  // namespace temper::in_context
