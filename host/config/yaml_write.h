// Writes a tree back as YAML text that parse_yaml reads to the same tree: what a record keeps of an experiment whose
// includes and command-line values were merged. Comments, anchors and the layout of the original are not kept.
#pragma once

#include <string>

#include "host/config/yaml_tree.h"

namespace temper::config {

std::string write_yaml(const YamlNode& node);

}  // namespace temper::config
