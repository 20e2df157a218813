// Documents in memory for the filters that compare them.
#pragma once

#include <string>
#include <vector>

#include "temper/testing.h"

namespace temper::test {

inline std::vector<Document> documents_of(const std::vector<std::string>& texts) {
  std::vector<Document> documents;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    documents.push_back({"d" + std::to_string(i), texts[i], "test:" + std::to_string(i + 1)});
  }
  return documents;
}

/// Which of the texts stay.
inline std::vector<std::size_t> kept_by(Filter& filter, const std::vector<std::string>& texts) {
  const auto results = run_filter(filter, documents_of(texts));
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i].drop) kept.push_back(i);
  }
  return kept;
}

/// `count` words, different for each `first`.
inline std::string words(int first, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += (i == 0 ? "w" : " w") + std::to_string(first + i);
  return text;
}

}  // namespace temper::test
