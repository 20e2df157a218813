// See labelled_rows.h.
#include "host/cli/labelled_rows.h"

#include <zlib.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "temper/error.h"

namespace temper {
namespace {

using Fields = std::vector<std::string>;
using Take = std::function<void(const std::map<std::string, std::string>&, const std::string&)>;

/// The whole file; gzip is unpacked, anything else handed through.
std::string unpacked(const std::string& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw DataError("cannot read file '" + path + "'; check that it exists and may be read");
  std::string content;
  std::vector<char> buffer(1 << 20);
  int count = 0;
  while ((count = gzread(file.get(), buffer.data(), static_cast<unsigned>(buffer.size()))) > 0) {
    content.append(buffer.data(), static_cast<std::size_t>(count));
  }
  int code = Z_OK;
  const char* reason = gzerror(file.get(), &code);
  if (count < 0 || code != Z_OK) throw DataError("file '" + path + "' is damaged or cut off (" + reason + ")");
  return content;
}

std::string place_of(const std::string& path, std::size_t line) { return path + ":" + std::to_string(line); }

void read_json_lines(const std::string& text, const std::string& path, const Take& take) {
  std::size_t line = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string row_text = text.substr(begin, end - begin);
    begin = end + 1;
    ++line;
    if (row_text.find_first_not_of(" \t\r") == std::string::npos) continue;
    std::map<std::string, std::string> row;
    try {
      const auto json = nlohmann::json::parse(row_text);
      if (!json.is_object()) throw DataError(place_of(path, line) + ": the line is no JSON object");
      for (const auto& [name, value] : json.items()) {
        if (!value.is_null()) row[name] = value.is_string() ? value.get<std::string>() : value.dump();
      }
    } catch (const nlohmann::json::exception& error) {
      throw DataError(place_of(path, line) + ": the line is not valid JSON (" + error.what() + ")");
    }
    take(row, place_of(path, line));
  }
}

/// One row of a table from `at` on; quotes only in CSV. Line breaks inside quotes count.
Fields next_fields(const std::string& text, std::size_t& at, std::size_t& line, char separator, const std::string& place) {
  Fields fields(1);
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\n') ++line;
    if (quoted) {
      if (c != '"') {
        fields.back() += c;
      } else if (at + 1 < text.size() && text[at + 1] == '"') {
        fields.back() += text[++at];
      } else {
        quoted = false;
      }
    } else if (c == '"' && separator == ',' && fields.back().empty()) {
      quoted = true;
    } else if (c == separator) {
      fields.emplace_back();
    } else if (c == '\n') {
      ++at;
      break;
    } else {
      fields.back() += c;
    }
  }
  if (quoted) throw DataError(place + ": a quote is opened and never closed");
  if (!fields.back().empty() && fields.back().back() == '\r') fields.back().pop_back();
  return fields;
}

void read_table(const std::string& text, const std::string& path, char separator, const Take& take) {
  std::size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0, line = 1;
  const Fields heading = next_fields(text, at, line, separator, place_of(path, 1));
  if (std::set<std::string>(heading.begin(), heading.end()).size() != heading.size()) {
    throw DataError(place_of(path, 1) + ": two columns have one name; name each column once");
  }
  while (at < text.size()) {
    const std::string place = place_of(path, line);
    const Fields fields = next_fields(text, at, line, separator, place);
    if (fields.size() == 1 && fields[0].empty()) continue;
    if (fields.size() != heading.size()) {
      throw DataError(place + ": the row has " + std::to_string(fields.size()) + " fields, its heading " +
                      std::to_string(heading.size()));
    }
    std::map<std::string, std::string> row;
    for (std::size_t i = 0; i < fields.size(); ++i) row[heading[i]] = fields[i];
    take(row, place);
  }
}

}  // namespace

void read_rows(const std::string& path, const Take& take) {
  std::string name = path;
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  const bool json = name.ends_with(".jsonl") || name.ends_with(".ndjson");
  if (!json && !name.ends_with(".csv") && !name.ends_with(".tsv")) {
    throw DataError("file '" + path +
                    "' is of an unknown kind; data files end in .jsonl, .csv or .tsv, or in these and .gz");
  }
  const std::string text = unpacked(path);
  if (json) {
    read_json_lines(text, path, take);
  } else {
    read_table(text, path, name.ends_with(".csv") ? ',' : '\t', take);
  }
}

const std::string& field_of(const std::map<std::string, std::string>& row, const std::string& name,
                            const std::string& place) {
  if (const auto found = row.find(name); found != row.end()) return found->second;
  std::string known;
  for (const auto& [other, value] : row) known += (known.empty() ? "'" : ", '") + other + "'";
  throw DataError(place + ": there is no field '" + name + "'; the row has " + (known.empty() ? "no fields" : known));
}

}  // namespace temper
