// Rows that are documents, read by simdjson: the way of whole corpora, at gigabytes a second. Rows that it does not like go
// the usual way (rows.h), which says what is wrong with them.
#pragma once

#include <memory>
#include <string>

#include "rows.h"

namespace temper::dataset_jsonl {

class FastDocuments {
 public:
  FastDocuments();
  ~FastDocuments();
  /// False for a row that is no plain document (broken, without the text, with an id of an unusual kind).
  /// `row` keeps its content but may get more room at its end.
  bool read(std::string& row, const Fields& fields, const std::string& fallback_id, Document& document);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace temper::dataset_jsonl
