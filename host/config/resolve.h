// One slot of an experiment (model, a stage, ...) resolved against the parameter table of its plugin: unknown keys refused,
// values typed and checked, defaults filled in, references to stages and datasets followed, nested plugins flattened.
// Called by experiment.cpp for each slot in turn; it does not know which slots there are.
#pragma once

#include <string>
#include <vector>

#include "host/config/experiment.h"
#include "host/config/yaml_tree.h"

namespace temper::config {

/// What a slot may refer to, and where its values are listed.
struct Scope {
  const PluginCatalog& catalog;
  std::vector<std::string> datasets, all_datasets;  ///< usable here; in the whole experiment
  std::vector<std::string> stages, all_stages;      ///< earlier ones; in the whole experiment
  std::vector<ResolvedEntry>& resolved;
};

/// `key` is the slot's dotted name ("stages.sft"), `name` its own ("sft"). `extra_keys` are keys that the caller reads.
SlotConfig resolve_slot(const YamlNode& node, const std::string& key, const std::string& name, const std::string& kind,
                        const std::vector<std::string>& extra_keys, const Scope& scope);

/// Throws ConfigError for an entry of `map` that is not in `allowed`, suggesting the nearest name. `prefix` is the dotted
/// name of the map ("" at the top), `note` is added to the message.
void refuse_unknown_keys(const YamlNode& map, const std::string& prefix, const std::vector<std::string>& allowed,
                         const std::string& note = "");

/// The value of `spec` in `map`, or its default; listed in `resolved`. `owner` is the place to name if it is missing.
ResolvedValue resolve_value(const YamlNode* map, const ParamSpec& spec, const std::string& key, const Place& owner,
                            std::vector<ResolvedEntry>& resolved);

/// Throws ConfigError unless `name` is in `usable`. `what` is "stage" or "dataset".
void check_reference(const std::string& name, const std::string& what, const std::string& key, const Place& place,
                     const std::vector<std::string>& usable, const std::vector<std::string>& all);

/// Throws ConfigError if a name stands twice in the list.
void refuse_repeats(const std::vector<std::string>& names, const std::string& key, const Place& place);

}  // namespace temper::config

namespace temper {

/// The values of one plugin used without an experiment: defaults, and "PARAMETER=VALUE" texts of the command line.
/// Parameters that are required in an experiment may be left out. Throws ConfigError.
ParamValues values_of_sets(const PluginCatalog& catalog, const std::string& kind, const std::string& id,
                           const std::vector<std::string>& sets);

}  // namespace temper
