// One node of the tree becomes one typed value of a parameter, or a ConfigError that says what is allowed. Called by
// resolve.cpp and experiment.cpp.
// Numbers: whole numbers may be written 1e6 or 1000.0 if that is exactly whole; 1 and 1.0 are the same number, `true` is
// none. Only `true` and `false` are flags. Text is taken as written: 123, true and 007 are fine texts.
#pragma once

#include <string>

#include "host/config/yaml_tree.h"
#include "temper/params.h"

namespace temper::config {

/// `key` is the full dotted name for messages. Checks type, range and choices.
ParamValue read_value(const YamlNode& node, const ParamSpec& spec, const std::string& key);

/// "a whole number from 1 to 100", "one of a, b": what a parameter takes.
std::string allowed_text(const ParamSpec& spec);

}  // namespace temper::config
