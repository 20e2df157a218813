// The layouts of a JSON file (see record_reader.h). The array scanner knows only strings, brackets and commas; whether
// an element is valid JSON is found out by whoever parses it.
#include "record_reader.h"

#include <string_view>

#include "file_set.h"
#include "temper/error.h"

namespace temper::dataset_jsonl {
namespace {

using dataset_io::BufferedBytes;
using dataset_io::kByteOrderMark;
using dataset_io::place;

constexpr std::string_view kBlanks = " \t\r\n";

/// Takes off blanks (and a byte order mark) and returns the first byte behind them, or 0 at the end of the file.
char skip_blanks(BufferedBytes& bytes) {
  while (true) {
    const std::string_view chunk = bytes.peek();
    if (chunk.empty()) return 0;
    const std::size_t at = chunk.find_first_not_of(kBlanks);
    bytes.consume(at == std::string_view::npos ? chunk.size() : at);
    if (at != std::string_view::npos) return bytes.peek().front();
  }
}

bool is_array(const std::filesystem::path& path) {
  BufferedBytes bytes(path);
  if (bytes.peek().starts_with(kByteOrderMark)) bytes.consume(kByteOrderMark.size());
  return skip_blanks(bytes) == '[';
}

}  // namespace

RecordReader::RecordReader(const std::filesystem::path& path, std::int64_t max_line_mb)
    : path_(path), max_line_mb_(max_line_mb) {
  if (dataset_io::unpacked_name(path).ends_with(".csv")) {
    csv_.emplace(path, max_line_mb);
    return;
  }
  if (!is_array(path)) {
    lines_.emplace(path, max_line_mb);
    return;
  }
  array_.emplace(path);
  if (array_->peek().starts_with(kByteOrderMark)) array_->consume(kByteOrderMark.size());
  skip_blanks(*array_);
  array_->consume(1);
}

bool RecordReader::next(Record& record) {
  record.text.clear();
  record.problem.clear();
  const bool found = csv_ ? csv_->next(record) : lines_ ? next_line(record) : next_element(record);
  if (found) ++records_;
  if (!found && records_ == 0) {
    throw DataError("data file '" + path_.string() + "' holds no record; take it out of 'path' or fill it");
  }
  return found;
}

std::uint64_t RecordReader::taken() const { return csv_ ? csv_->taken() : lines_ ? lines_->taken() : array_->taken(); }

bool RecordReader::next_line(Record& record) {
  while (lines_->next(line_)) {
    if (line_.problem.empty() && line_.text.find_first_not_of(kBlanks) == std::string::npos) continue;
    record.text.swap(line_.text);
    record.line = line_.number;
    record.problem.swap(line_.problem);
    return true;
  }
  return false;
}

void RecordReader::expect_only_blanks() {
  if (skip_blanks(*array_) != 0) {
    throw DataError(place(path_, array_->line()) +
                    ": text behind the closing ']' of the JSON array; a file is one array or one object a line");
  }
}

bool RecordReader::next_element(Record& record) {
  if (array_done_) return false;
  const std::size_t limit = static_cast<std::size_t>(max_line_mb_) << 20;
  const char first = skip_blanks(*array_);
  record.line = array_->line();
  if (first == ']' && records_ == 0) {
    array_->consume(1);
    array_done_ = true;
    expect_only_blanks();
    return false;
  }
  bool in_string = false, escaped = false, too_long = false;
  int depth = 0;
  while (true) {
    const std::string_view chunk = array_->peek();
    if (chunk.empty()) {
      throw DataError(place(path_, array_->line()) +
                      ": the JSON array is cut off before its closing ']'; make or fetch the file again");
    }
    std::size_t length = 0;
    char end = 0;
    for (; length < chunk.size() && end == 0; ++length) {
      const char c = chunk[length];
      if (in_string) {
        in_string = escaped || c != '"';
        escaped = !escaped && c == '\\';
      } else if (c == '"') {
        in_string = true;
      } else if (depth == 0 && (c == ',' || c == ']')) {
        end = c;
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if (c == '}' || c == ']') {
        --depth;
      }
    }
    too_long = too_long || record.text.size() + length > limit;
    if (too_long) {
      record.text.clear();
    } else {
      record.text.append(chunk.data(), end == 0 ? length : length - 1);
    }
    array_->consume(length);
    if (end == 0) continue;
    if (end == ']') {
      array_done_ = true;
      expect_only_blanks();
    }
    break;
  }
  if (too_long) {
    record.problem = place(path_, record.line) + ": the array's element is longer than " + std::to_string(max_line_mb_) +
                     " MB; raise max_line_mb or break the element up";
  }
  if (dataset_io::find_invalid_utf8(record.text) != std::string_view::npos) {
    record.problem = place(path_, record.line) + ": the array's element that begins here is not UTF-8; convert the file";
  }
  return true;
}

}  // namespace temper::dataset_jsonl
