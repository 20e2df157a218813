// config.json to architecture and parameters (see architecture_config.h).
#include "host/convert/architecture_config.h"

#include <algorithm>
#include <charconv>

#include "host/convert/json_file.h"
#include "temper/architecture.h"
#include "temper/error.h"

namespace temper {
namespace {

// Far above any model's; keeps a damaged number from becoming a huge allocation.
constexpr std::int64_t kLargestVocabulary = 1 << 24;

template <class T>
T number_from(const std::string& text, const std::string& parameter, const std::string& name) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw DataError("'" + name + "' gives " + parameter + " = '" + text + "', which is no fitting number");
  }
  return value;
}

ParamValue value_from(const ParamSpec& spec, const std::string& text, const std::string& name) {
  switch (spec.type) {
    case ParamType::kBool:
      return text == "true";
    case ParamType::kInt:
      return number_from<std::int64_t>(text, spec.name, name);
    case ParamType::kFloat:
      return number_from<double>(text, spec.name, name);
    default:
      return text;
  }
}

}  // namespace

ParamValues values_from_texts(const Registration& registration,
                              const std::vector<std::pair<std::string, std::string>>& texts, const std::string& name) {
  ParamValues values = default_values(registration.specs);
  for (const auto& [parameter, text] : texts) {
    const auto spec = std::find_if(registration.specs.begin(), registration.specs.end(),
                                   [&, key = parameter](const auto& candidate) { return candidate.name == key; });
    if (spec == registration.specs.end()) {
      throw PluginError("plugin '" + registration.id + "' imports a parameter '" + parameter + "' that it does not have");
    }
    const ParamValue value = value_from(*spec, text, name);
    check_value(*spec, value);
    values.set(parameter, {value, ValueSource::kFile, name});
  }
  if (registration.check_rules) registration.check_rules(values);
  return values;
}

FoundArchitecture find_architecture(const Registry& registry, const std::string& config_json, const std::string& name) {
  const auto config = parse_json_text(config_json, name);
  if (!config.is_object() || !config.contains("model_type") || !config["model_type"].is_string()) {
    throw DataError("'" + name + "' has no model_type; is it the config.json of a Hugging Face model?");
  }
  if (config.contains("quantization_config") && !config["quantization_config"].is_null()) {
    throw DataError("'" + name + "' has a quantization_config; import the model's unquantised weights, or a GGUF file");
  }
  std::string able;
  for (const auto& id : registry.ids(Architecture::kKind)) {
    const Registration& registration = registry.find(Architecture::kKind, id);
    if (!registration.from_hugging_face) continue;
    able += (able.empty() ? "" : ", ") + id;
    try {
      const auto imported = registration.from_hugging_face(config_json);
      if (!imported) continue;
      if (imported->vocab_size < 1 || imported->vocab_size > kLargestVocabulary) {
        throw DataError("vocab_size = " + std::to_string(imported->vocab_size) + " has to be from 1 to " +
                        std::to_string(kLargestVocabulary));
      }
      return {id, values_from_texts(registration, imported->values, name), imported->vocab_size};
    } catch (const ConfigError& error) {
      throw ConfigError("'" + name + "' cannot be imported: " + error.what());
    } catch (const DataError& error) {
      throw DataError("'" + name + "' cannot be imported: " + error.what());
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      throw DataError("'" + name + "' lacks something that architecture " + id + " needs: " + error.what());
    }
  }
  throw DataError("'" + name + "' has the model_type '" + config["model_type"].get<std::string>() +
                  "', which no architecture plugin knows; those that import are: " + (able.empty() ? "none" : able));
}

}  // namespace temper
