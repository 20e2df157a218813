// Documents by simdjson's tree (see fast_documents.h).
#include "fast_documents.h"

#include <simdjson.h>

#include <nlohmann/json.hpp>

namespace temper::dataset_jsonl {

struct FastDocuments::Parser {
  simdjson::dom::parser parser;
};

FastDocuments::FastDocuments() : parser_(std::make_unique<Parser>()) {}
FastDocuments::~FastDocuments() = default;

bool FastDocuments::read(std::string& row, const Fields& fields, const std::string& fallback_id, Document& document) {
  namespace sj = simdjson;
  // simdjson looks a few bytes beyond the end.
  row.reserve(row.size() + sj::SIMDJSON_PADDING);
  sj::dom::object object;
  if (parser_->parser.parse(row.data(), row.size(), false).get_object().get(object) != sj::SUCCESS) return false;
  document = {};
  bool has_text = false;
  int id_rank = 3;  // id before key before item_id, whatever their order in the row
  for (const auto& [name, value] : object) {
    const bool is_text = name == fields.text;
    if (is_text) {
      std::string_view text;
      // A field that stands twice is for the usual way to decide.
      if (has_text || value.get_string().get(text) != sj::SUCCESS) return false;
      document.text = text;
      has_text = true;
    }
    const int rank = !fields.id.empty()  ? (name == fields.id ? 0 : 3)
                     : name == "id"      ? 0
                     : name == "key"     ? 1
                     : name == "item_id" ? 2
                                         : 3;
    if (rank < id_rank) {
      std::string_view text;
      std::int64_t number = 0;
      if (value.get_string().get(text) == sj::SUCCESS) {
        document.id = text;
      } else if (value.get_int64().get(number) == sj::SUCCESS) {
        document.id = std::to_string(number);
      } else {
        return false;
      }
      id_rank = rank;
    }
    if (!fields.keep || is_text || name == "id" || name == "text" || (!fields.id.empty() && name == fields.id)) continue;
    document.attributes_json += document.attributes_json.empty() ? '{' : ',';
    document.attributes_json += nlohmann::json(std::string(name)).dump() + ":" + sj::minify(value);
  }
  if (!has_text) return false;
  // A row without the id that was asked for is for the usual way to refuse.
  if (!fields.id.empty() && document.id.empty()) return false;
  if (document.id.empty()) document.id = fallback_id;
  if (!document.attributes_json.empty()) document.attributes_json += '}';
  return true;
}

}  // namespace temper::dataset_jsonl
