// Checked access to JSON (see json_fields.h).
#include "json_fields.h"

namespace temper::hf_bpe_plugin {
namespace {

constexpr int kDeepest = 64;  ///< a real tokenizer.json has about 8 levels

bool too_deep(const std::string& text) {
  int depth = 0;
  bool in_text = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_text) {
      if (c == '\\') ++at;
      if (c == '"') in_text = false;
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDeepest) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

[[noreturn]] void wrong(const char* name, const std::string& where, const char* wanted, const nlohmann::json& value) {
  throw DataError("tokenizer.json: '" + std::string(name) + "' of " + where + " has to be " + wanted + ", not " +
                  shown(value));
}

}  // namespace

nlohmann::json parse_json(const std::string& text, const std::string& what) {
  if (too_deep(text)) throw DataError(what + " is nested more than " + std::to_string(kDeepest) + " levels deep");
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    throw DataError(what + " is not valid JSON: " + error.what());
  }
}

std::string shown(const nlohmann::json& value) {
  const std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

const nlohmann::json& field(const nlohmann::json& object, const char* name) {
  static const nlohmann::json null;
  if (!object.is_object()) return null;
  const auto found = object.find(name);
  return found == object.end() ? null : *found;
}

std::string text_field(const nlohmann::json& object, const char* name, const std::string& where) {
  const auto& value = field(object, name);
  if (!value.is_string()) wrong(name, where, "a text", value);
  return value.get<std::string>();
}

bool flag_field(const nlohmann::json& object, const char* name, bool if_absent, const std::string& where) {
  const auto& value = field(object, name);
  if (value.is_null()) return if_absent;
  if (!value.is_boolean()) wrong(name, where, "true or false", value);
  return value.get<bool>();
}

const nlohmann::json& list_field(const nlohmann::json& object, const char* name, const std::string& where) {
  const auto& value = field(object, name);
  if (!value.is_array()) wrong(name, where, "a list", value);
  return value;
}

}  // namespace temper::hf_bpe_plugin
