// Reading a JSON object field by field with messages that say which field is wrong, what stands there and what should.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "temper/error.h"

namespace temper::hf_bpe_plugin {

/// Throws DataError that begins with `what`, also for JSON nested so deep that walking over it would be unsafe.
nlohmann::json parse_json(const std::string& text, const std::string& what);

/// At most 60 characters of a value, for a message.
std::string shown(const nlohmann::json& value);

/// The field, or null if it is absent.
const nlohmann::json& field(const nlohmann::json& object, const char* name);

/// The field as what its name says; these throw DataError if it is none, naming the object as `where`.
std::string text_field(const nlohmann::json& object, const char* name, const std::string& where);
bool flag_field(const nlohmann::json& object, const char* name, bool if_absent, const std::string& where);
const nlohmann::json& list_field(const nlohmann::json& object, const char* name, const std::string& where);

}  // namespace temper::hf_bpe_plugin
