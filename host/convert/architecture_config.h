// Finds the architecture plugin for a config.json and turns what it says into checked parameter values. Used by import.
#pragma once

#include <cstdint>
#include <string>

#include "host/plugin/registry.h"
#include "temper/params.h"

namespace temper {

struct FoundArchitecture {
  std::string id;
  ParamValues values;
  std::int64_t vocab_size = 0;
};

/// Asks every registered architecture. Throws DataError (no plugin knows the model type, a value is missing or absurd) or
/// ConfigError (the plugin knows the type but not this setting). `name` is the file's, for messages.
FoundArchitecture find_architecture(const Registry& registry, const std::string& config_json, const std::string& name);

/// The specs' defaults with `texts` set over them; every value checked.
ParamValues values_from_texts(const Registration& registration,
                              const std::vector<std::pair<std::string, std::string>>& texts, const std::string& name);

}  // namespace temper
