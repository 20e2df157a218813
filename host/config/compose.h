// Joins what describes one experiment into a single tree: the file, the files it includes, and the values of the command
// line, each node keeping its own place. Called by experiment.cpp; knows the shape of an experiment (sections and their
// slots) but no plugin and no parameter.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "host/config/yaml_tree.h"

namespace temper::config {

/// The bytes of a text file. Throws DataError if it is missing, no regular file, empty, or not UTF-8 (with the line).
std::string read_text(const std::filesystem::path& path);

struct Composed {
  YamlNode tree;
  bool included = false;  ///< other files were merged in, so the text alone is not the whole experiment
};
/// Parses `text`, which came from `origin`, and merges it over its includes. `experiment` and `description` name a file,
/// so they are not taken over from included files.
Composed compose(const std::string& text, const std::filesystem::path& origin);

/// `over` wins: maps are merged key by key, lists and scalars replaced. A plain plugin id counts as {plugin: ID} when a map
/// is merged over it.
YamlNode merge_over(YamlNode base, YamlNode over);

/// Applies one "KEY=VALUE" of --set. A scalar set on a map sets its `plugin` and keeps the other keys.
void apply_set(YamlNode& tree, const std::string& assignment);
/// Sets a top-level key from an option of its own, e.g. ("seed", "3") from "--seed 3".
void apply_option(YamlNode& tree, const std::string& key, const std::string& value);

/// models, datasets, stages, evaluators: maps from a name of the user's choice to a slot.
bool is_section(std::string_view key);

}  // namespace temper::config
