// Single texts for the filters that judge documents by themselves.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "temper/filter.h"

namespace temper::test {

inline FilterResult verdict_on(const DocumentFilter& filter, const std::string& text) {
  return filter.judge({"d", text, "test:1"});
}

/// The text with the filter's edits.
inline std::string after(const DocumentFilter& filter, const std::string& text) {
  return apply_spans(text, verdict_on(filter, text).spans);
}

/// Rows of a JSONL file; none for "".
inline std::vector<nlohmann::json> rows_of(const std::string& path) {
  std::vector<nlohmann::json> rows;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) rows.push_back(nlohmann::json::parse(line));
  return rows;
}

inline std::string repeat(const std::string& part, std::size_t times) {
  std::string text;
  text.reserve(part.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += part;
  return text;
}

}  // namespace temper::test
