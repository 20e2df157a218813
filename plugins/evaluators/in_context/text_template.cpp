// Parsing and filling templates (see text_template.h).
#include "text_template.h"

#include <algorithm>
#include <optional>

#include "temper/error.h"
#include "temper/params.h"

namespace temper::in_context {

using nlohmann::json;

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

namespace {

std::string filtered(std::string text, const std::string& filter) {
  if (filter == "trim") return trimmed(text);
  if (filter == "spaces") std::replace(text.begin(), text.end(), '_', ' ');
  if (filter == "lower") {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (filter != "last_word" && filter != "but_last_word") return text;
  const auto space = text.rfind(' ');
  if (filter == "last_word") return space == std::string::npos ? text : text.substr(space + 1);
  return space == std::string::npos ? "" : text.substr(0, space);
}

std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

/// One step into a value: a name, or a number in brackets.
const json* step(const json& value, const std::string& key, bool is_index) {
  if (!is_index) {
    const auto found = value.is_object() ? value.find(key) : value.end();
    return value.is_object() && found != value.end() ? &*found : nullptr;
  }
  const bool number = !key.empty() && key.size() < 7 && key.find_first_not_of("0123456789") == std::string::npos;
  if (!number || !value.is_array() || std::stoul(key) >= value.size()) return nullptr;
  return &value[std::stoul(key)];
}

const json* find_value(const json& row, const std::string& path) {
  // A column may have dots and brackets in its own name.
  if (const auto whole = row.find(path); whole != row.end()) return &*whole;
  const json* value = &row;
  std::size_t at = 0;
  while (at < path.size() && value != nullptr) {
    if (path[at] == '[') {
      const auto close = path.find(']', at);
      if (close == std::string::npos) return nullptr;
      value = step(*value, path.substr(at + 1, close - at - 1), true);
      at = close + 1;
      continue;
    }
    if (path[at] == '.' && at > 0) ++at;
    const auto end = std::min(path.find_first_of(".[", at), path.size());
    if (end == at) return nullptr;
    value = step(*value, path.substr(at, end - at), false);
    at = end;
  }
  return value;
}

}  // namespace

const std::vector<std::string>& filter_names() {
  static const std::vector<std::string> names = {"trim", "lower", "spaces", "last_word", "but_last_word"};
  return names;
}

std::string text_of(const json& value, const std::string& name) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  throw DataError("field '" + name + "' is " + (value.is_null() ? "null" : std::string("a ") + value.type_name()) +
                  ", must be a text or a number; reach inside with .name or [0]");
}

const json& value_at(const json& row, const std::string& path) {
  if (const json* value = find_value(row, path)) return *value;
  std::vector<std::string> names;
  for (const auto& [name, value] : row.items()) names.push_back(name);
  const auto near = nearest_name(path, names);
  throw DataError("there is no field '" + path + "'" + (near ? "; did you mean '" + *near + "'?" : "") + " (the row has " +
                  listed(names) + ")");
}

TextTemplate::TextTemplate(const std::string& text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto open = text.find("{{", at);
    if (open == std::string::npos) {
      parts_.push_back({text.substr(at), "", {}});
      return;
    }
    const auto close = text.find("}}", open);
    if (close == std::string::npos) throw ConfigError("'" + text.substr(open, 30) + "' is not closed; write }} behind it");
    Part part{text.substr(at, open - at), "", {}};
    const std::string inside = text.substr(open + 2, close - open - 2);
    std::size_t from = 0;
    while (true) {
      const auto bar = inside.find('|', from);
      const std::string word = trimmed(inside.substr(from, bar == std::string::npos ? bar : bar - from));
      if (from == 0) {
        part.path = word;
      } else {
        const auto& names = filter_names();
        if (std::find(names.begin(), names.end(), word) == names.end()) {
          throw ConfigError("the filter '" + word + "' in '{{" + inside + "}}' is unknown; there are " + listed(names));
        }
        part.filters.push_back(word);
      }
      if (bar == std::string::npos) break;
      from = bar + 1;
    }
    if (part.path.empty()) throw ConfigError("'{{" + inside + "}}' names no field");
    parts_.push_back(std::move(part));
    at = close + 2;
  }
}

std::string TextTemplate::render(const json& row) const {
  std::string text;
  for (const auto& part : parts_) {
    text += part.literal;
    if (part.path.empty()) continue;
    std::string value = text_of(value_at(row, part.path), part.path);
    for (const auto& filter : part.filters) value = filtered(std::move(value), filter);
    text += value;
  }
  return text;
}

std::vector<std::string> TextTemplate::render_list(const json& row) const {
  if (parts_.size() == 1 && parts_[0].literal.empty() && parts_[0].filters.empty() && !parts_[0].path.empty()) {
    const json& value = value_at(row, parts_[0].path);
    if (value.is_array()) {
      std::vector<std::string> texts;
      for (const auto& entry : value) texts.push_back(text_of(entry, parts_[0].path));
      return texts;
    }
  }
  return {render(row)};
}

}  // namespace temper::in_context
