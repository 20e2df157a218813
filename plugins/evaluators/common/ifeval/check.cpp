// Arguments and the table of kinds. See check.h.
#include "check.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "temper/error.h"
#include "unicode.h"

namespace temper::instruction_following {
namespace {

const std::map<std::string, Kind>& table() {
  static const std::map<std::string, Kind> kTable = [] {
    std::map<std::string, Kind> all;
    for (const auto family : {case_kinds, combination_kinds, content_kinds, format_kinds, keyword_kinds, language_kinds,
                              length_kinds, punctuation_kinds, start_end_kinds}) {
      for (const Kind& kind : family()) all.emplace(kind.id, kind);
    }
    return all;
  }();
  return kTable;
}

}  // namespace

Arguments::Arguments(std::string id, const nlohmann::json& kwargs, Options options)
    : id_(std::move(id)), kwargs_(&kwargs), options_(options) {
  if (!kwargs.is_object() && !kwargs.is_null()) {
    throw DataError("instruction '" + id_ + "' has kwargs " + kwargs.dump() +
                    ", which is no JSON object; give {} where it needs none");
  }
}

void Arguments::fail(const char* name, const std::string& problem) const {
  throw DataError("instruction '" + id_ + "': argument '" + name + "' " + problem);
}

const nlohmann::json& Arguments::need(const char* name) const {
  if (kwargs_->is_object()) {
    const auto found = kwargs_->find(name);
    if (found != kwargs_->end() && !found->is_null()) return *found;
  }
  fail(name, "is missing; add it to the instruction's kwargs");
}

std::string Arguments::text(const char* name) const {
  const auto& value = need(name);
  if (!value.is_string()) fail(name, "is " + value.dump() + ", must be a text");
  const auto result = value.get<std::string>();
  if (is_blank(result)) fail(name, "is blank, must be a text");
  return result;
}

std::vector<std::string> Arguments::texts(const char* name) const {
  const auto& value = need(name);
  std::vector<std::string> result;
  const bool is_list = value.is_array() && !value.empty();
  if (is_list) {
    for (const auto& item : value) {
      if (item.is_string() && !item.get_ref<const std::string&>().empty()) result.push_back(item.get<std::string>());
    }
  }
  if (!is_list || result.size() != value.size())
    fail(name, "is " + value.dump() + ", must be a list of texts, none of them empty");
  return result;
}

std::int64_t Arguments::count(const char* name) const {
  const auto& value = need(name);
  // Some copies of the data keep counts as 3.0.
  const bool whole = value.is_number() && std::floor(value.get<double>()) == value.get<double>();
  if (!whole || value.get<double>() < 0 || value.get<double>() > 1e9) {
    fail(name, "is " + value.dump() + ", must be a whole number from 0 to 1000000000");
  }
  return static_cast<std::int64_t>(value.get<double>());
}

Threshold Arguments::threshold(const char* limit_name, const char* relation_name) const {
  const std::string relation = text(relation_name);
  if (relation != "less than" && relation != "at least") {
    fail(relation_name, "is '" + relation + "', must be 'less than' or 'at least'");
  }
  return {relation == "at least", count(limit_name)};
}

Check make_check(const std::string& id, const nlohmann::json& kwargs, const Options& options) {
  const auto found = table().find(id);
  if (found == table().end()) {
    throw DataError("unknown instruction id '" + id + "'; known are " + join(known_instructions(), ", "));
  }
  return found->second.make(Arguments(id, kwargs, options));
}

const std::vector<std::string>& known_instructions() {
  static const std::vector<std::string> kIds = [] {
    std::vector<std::string> ids;
    for (const auto& [id, kind] : table()) ids.push_back(id);
    return ids;
  }();
  return kIds;
}

}  // namespace temper::instruction_following
