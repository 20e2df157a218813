// Reads published label files for tests.
#pragma once

#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace temper::test {

/// Rows of a CSV file by column name; quoted fields may hold commas, line breaks and doubled quotes.
inline std::vector<std::map<std::string, std::string>> read_csv(const std::string& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::vector<std::string>> table(1, std::vector<std::string>(1));
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && quoted && i + 1 < text.size() && text[i + 1] == '"') {
      table.back().back() += text[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      table.back().emplace_back();
    } else if (c == '\n' && !quoted) {
      table.emplace_back(1);
    } else if (c != '\r' || quoted) {
      table.back().back() += c;
    }
  }
  std::vector<std::map<std::string, std::string>> rows;
  for (std::size_t r = 1; r < table.size(); ++r) {
    if (table[r].size() != table[0].size()) continue;
    rows.emplace_back();
    for (std::size_t c = 0; c < table[0].size(); ++c) rows.back()[table[0][c]] = table[r][c];
  }
  return rows;
}

}  // namespace temper::test
