// The scanner of CSV rows (see csv_reader.h).
#include "csv_reader.h"

#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "line_reader.h"
#include "record_reader.h"
#include "temper/error.h"

namespace temper::dataset_jsonl {
namespace {

using dataset_io::kByteOrderMark;
using dataset_io::place;

}  // namespace

CsvReader::CsvReader(const std::filesystem::path& path, std::int64_t max_line_mb) : bytes_(path), max_line_mb_(max_line_mb) {
  if (bytes_.peek().starts_with(kByteOrderMark)) bytes_.consume(kByteOrderMark.size());
  if (!read_row(header_)) {
    throw DataError("CSV file '" + path.string() + "' has no header; its first row has to name the columns");
  }
  std::set<std::string> names;
  for (const auto& name : header_) {
    if (!names.insert(name).second) {
      throw DataError(place(path, 1) + ": the header names the column '" + name + "' twice; rename one of them");
    }
  }
}

/// One row's fields; false at the end of the file.
bool CsvReader::read_row(std::vector<std::string>& fields) {
  const std::size_t limit = static_cast<std::size_t>(max_line_mb_) << 20;
  enum class State { kStart, kPlain, kQuoted, kQuoteInQuoted } state = State::kStart;
  fields.assign(1, "");
  misplaced_.clear();
  std::size_t length = 0;
  row_line_ = bytes_.line();
  while (true) {
    const std::string_view chunk = bytes_.peek();
    if (chunk.empty()) {
      if (state == State::kQuoted) {
        throw DataError(place(bytes_.path(), row_line_) + ": a quote that opens in this row is never closed; close it");
      }
      return length > 0;
    }
    const char c = chunk.front();
    bytes_.consume(1);
    if (++length > limit) {
      throw DataError(place(bytes_.path(), row_line_) + ": the row is longer than " + std::to_string(max_line_mb_) +
                      " MB; close its quote or raise max_line_mb");
    }
    std::string& field = fields.back();
    if (state == State::kQuoted) {
      if (c == '"') {
        state = State::kQuoteInQuoted;
      } else {
        field += c;
      }
    } else if (c == '"' && state == State::kQuoteInQuoted) {
      field += c;
      state = State::kQuoted;
    } else if (c == '"' && state == State::kStart) {
      state = State::kQuoted;
    } else if (c == ',') {
      fields.emplace_back();
      state = State::kStart;
    } else if (c == '\n') {
      if (length == 1) {  // an empty line between rows
        length = 0;
        row_line_ = bytes_.line();
        continue;
      }
      return true;
    } else if (c == '\r') {
      if (bytes_.peek().empty() || bytes_.peek().front() == '\n') {
        if (length == 1) length = 0;
        continue;
      }
      field += c;
    } else if (state == State::kQuoteInQuoted) {
      misplaced_ = "text behind the closing quote of field " + std::to_string(fields.size()) + "; double the quotes inside";
    } else {
      field += c;
      state = State::kPlain;
    }
  }
}

bool CsvReader::next(Record& record) {
  std::vector<std::string> fields;
  if (!read_row(fields)) return false;
  record.line = row_line_;
  const std::string where = place(bytes_.path(), row_line_) + ": ";
  if (!misplaced_.empty()) {
    record.problem = where + misplaced_;
    return true;
  }
  if (fields.size() != header_.size()) {
    record.problem = where + "the row has " + std::to_string(fields.size()) + " fields, the header has " +
                     std::to_string(header_.size()) + "; put fields with commas into quotes";
    return true;
  }
  nlohmann::json row = nlohmann::json::object();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (dataset_io::find_invalid_utf8(fields[i]) != std::string_view::npos) {
      record.problem = where + "column '" + header_[i] + "' is not UTF-8; convert the file";
      return true;
    }
    row[header_[i]] = std::move(fields[i]);
  }
  record.text = row.dump();
  return true;
}

}  // namespace temper::dataset_jsonl
