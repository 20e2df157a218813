// Reading a rule's pattern (see pattern.h).
#include "pattern.h"

#include "json_fields.h"

namespace temper::hf_bpe_plugin {

Regex read_pattern(const nlohmann::json& rule, const std::string& where) {
  const auto& pattern = field(rule, "pattern");
  if (const auto& regex = field(pattern, "Regex"); regex.is_string()) return Regex(regex.get<std::string>());
  if (const auto& text = field(pattern, "String"); text.is_string()) return Regex::literal(text.get<std::string>());
  throw DataError("tokenizer.json: the pattern of " + where + " has to be a Regex or a String, not " + shown(pattern));
}

}  // namespace temper::hf_bpe_plugin
