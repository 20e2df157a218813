// Reading data files (see table.h).
#include "table.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "pattern.h"
#include "temper/error.h"

namespace temper::in_context {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

std::string read_all(const fs::path& path) {
  // zlib reads files that are not compressed as they are.
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw DataError("cannot read data file '" + path.string() + "': " + std::strerror(errno));
  std::string bytes(1 << 16, '\0');
  std::size_t size = 0;
  while (true) {
    if (size == bytes.size()) bytes.resize(2 * bytes.size());
    const int got =
        gzread(file.get(), bytes.data() + size, static_cast<unsigned>(std::min<std::size_t>(bytes.size() - size, 1 << 24)));
    if (got < 0) throw DataError("cannot read data file '" + path.string() + "': it is damaged or no gzip file");
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  // A gzip file that was cut off ends without an error of its own.
  int problem = Z_OK;
  gzerror(file.get(), &problem);
  if (problem != Z_OK) throw DataError("cannot read data file '" + path.string() + "': it ends too early");
  bytes.resize(size);
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.erase(0, 3);
  return bytes;
}

std::vector<Row> read_jsonl(const std::string& bytes, const std::string& file) {
  std::vector<Row> rows;
  std::size_t line = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    ++line;
    const auto end = std::min(bytes.find('\n', at), bytes.size());
    const std::string text = bytes.substr(at, end - at);
    at = end + 1;
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string source = file + ":" + std::to_string(line);
    json fields = json::parse(text, nullptr, false);
    if (fields.is_discarded()) throw DataError(source + ": the line is not valid JSON; write one JSON object a line");
    if (!fields.is_object()) throw DataError(source + ": the line is a JSON " + fields.type_name() + ", must be an object");
    rows.push_back({std::move(fields), source, std::to_string(line)});
  }
  return rows;
}

/// Fields of one CSV record from `at` on (RFC 4180); moves `at` behind it and counts the lines.
std::vector<std::string> csv_record(const std::string& bytes, std::size_t& at, std::size_t& line, const std::string& file) {
  std::vector<std::string> fields(1);
  const std::size_t first = line;
  bool quoted = false;
  for (; at < bytes.size(); ++at) {
    const char c = bytes[at];
    if (c == '\n') ++line;
    if (quoted) {
      if (c != '"') {
        fields.back() += c;
      } else if (at + 1 < bytes.size() && bytes[at + 1] == '"') {
        fields.back() += c;
        ++at;
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c == '\n') {
      ++at;
      break;
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  if (quoted) throw DataError(file + ":" + std::to_string(first) + ": a quoted field is not closed; close it with \"");
  return fields;
}

std::vector<Row> read_csv(const std::string& bytes, const std::string& file) {
  std::vector<Row> rows;
  std::vector<std::string> header;
  std::size_t line = 1;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t first = line;
    auto fields = csv_record(bytes, at, line, file);
    if (fields.size() == 1 && fields[0].empty()) continue;
    if (header.empty()) {
      header = std::move(fields);
      continue;
    }
    const std::string source = file + ":" + std::to_string(first);
    if (fields.size() != header.size()) {
      throw DataError(source + ": the row has " + std::to_string(fields.size()) + " fields, the header " +
                      std::to_string(header.size()) + "; put quotes around fields with commas");
    }
    json row = json::object();
    for (std::size_t i = 0; i < fields.size(); ++i) row[header[i]] = std::move(fields[i]);
    rows.push_back({std::move(row), source, std::to_string(first)});
  }
  return rows;
}

std::vector<Row> read_text(const std::string& bytes, const std::string& file, const std::string& split_before) {
  std::vector<std::size_t> starts = {0};
  if (!split_before.empty()) {
    for (const auto& [begin, end] : instruction_following::Pattern(split_before).spans(bytes)) {
      if (begin > 0) starts.push_back(begin);
    }
  }
  std::vector<Row> rows;
  std::size_t line = 1;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::size_t end = i + 1 < starts.size() ? starts[i + 1] : bytes.size();
    const std::string text = bytes.substr(starts[i], end - starts[i]);
    const std::size_t first = line;
    line += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) continue;
    rows.push_back({{{"text", text}}, file + ":" + std::to_string(first), std::to_string(first)});
  }
  return rows;
}

/// A text that is not UTF-8 cannot go into a record.
void check_utf8(const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    try {
      (void)row.fields.dump();
    } catch (const json::exception&) {
      throw DataError(row.source + ": the row is not valid UTF-8; convert the file");
    }
  }
}

}  // namespace

std::vector<Row> read_table(const fs::path& path, const std::string& split_before) {
  const fs::path plain = path.extension() == ".gz" ? path.stem() : path;
  const std::string kind = plain.extension().string(), file = path.filename().string();
  if (kind != ".jsonl" && kind != ".csv" && kind != ".txt") {
    throw DataError("data file '" + path.string() + "' ends in '" + kind +
                    "', must end in .jsonl, .csv or .txt, each also "
                    "with .gz");
  }
  const std::string bytes = read_all(path);
  auto rows = kind == ".jsonl" ? read_jsonl(bytes, file)
              : kind == ".csv" ? read_csv(bytes, file)
                               : read_text(bytes, file, split_before);
  check_utf8(rows);
  return rows;
}

}  // namespace temper::in_context
