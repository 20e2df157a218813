// A slot's map against a table of ParamSpecs; nested plugin slots by recursion.
#include "host/config/resolve.h"

#include <algorithm>
#include <utility>

#include "host/config/value.h"
#include "temper/error.h"

namespace temper::config {
namespace {

constexpr int kMaxNesting = 8;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

ValueSource source_of(const Place& place) { return place.command_line ? ValueSource::kCommandLine : ValueSource::kFile; }

ResolvedValue written(ParamValue value, const Place& place) { return {std::move(value), source_of(place), place.where()}; }

void list_value(std::vector<ResolvedEntry>& resolved, const std::string& key, const ResolvedValue& value) {
  resolved.push_back({key, to_text(value.value), std::string(to_string(value.source)), value.where});
}

/// Which plugin a slot uses, and the place that says so.
struct Choice {
  const Registration* plugin = nullptr;
  ResolvedValue id;
  Place place;
};

struct Wanted {
  const std::string& key;   // dotted name of the slot
  const std::string& name;  // its own name, tried as a plugin id
  const std::string& kind;
  const std::string& fallback;  // id used if the slot names none; "" for none
};

const Registration& find_plugin(const std::string& id, const Wanted& wanted, const Place& place,
                                const PluginCatalog& catalog) {
  if (const Registration* found = catalog.lookup(wanted.kind, id)) return *found;
  const auto ids = catalog.ids(wanted.kind);
  const std::string nearest = suggestion(id, ids);
  fail(place, wanted.key + ": there is no " + wanted.kind + " plugin '" + id + "'" + nearest +
                  (nearest.empty() ? ". Available: " : " Available: ") + join(ids));
}

Choice choose_plugin(const YamlNode* node, const Wanted& wanted, const Place& owner, const PluginCatalog& catalog) {
  const YamlNode* named = nullptr;
  if (node != nullptr && node->kind == YamlKind::kScalar) named = node;
  if (node != nullptr && node->kind == YamlKind::kMap) named = node->find("plugin");
  if (node != nullptr && node->kind == YamlKind::kList) {
    fail(node->place, wanted.key + ": must be a plugin id or a map {plugin: ID, ...}, but is a list");
  }
  if (named != nullptr) {
    if (named->kind != YamlKind::kScalar || named->text.empty()) {
      fail(named->place, wanted.key + ".plugin: must be a plugin id, but is " + named->shown() +
                             ". Available: " + join(catalog.ids(wanted.kind)));
    }
    return {&find_plugin(named->text, wanted, named->place, catalog), written(named->text, named->place), named->place};
  }
  if (!wanted.fallback.empty()) {
    return {&find_plugin(wanted.fallback, wanted, owner, catalog), {wanted.fallback, ValueSource::kDefault, ""}, owner};
  }
  if (const Registration* found = catalog.lookup(wanted.kind, wanted.name))
    return {found, written(wanted.name, owner), owner};
  const auto ids = catalog.ids(wanted.kind);
  const std::string nearest = suggestion(wanted.name, ids);
  fail(owner, wanted.key + ": does not say which " + wanted.kind + " plugin it uses, and '" + wanted.name + "' is not one" +
                  (nearest.empty() ? "; add plugin: ID." : nearest + " Otherwise add plugin: ID.") +
                  " Available: " + join(ids));
}

class SlotResolver {
 public:
  SlotResolver(const Scope& scope, SlotConfig& slot) : scope_(scope), slot_(slot) {}

  /// `prefix` is "" for the slot itself and "objective." for a nested plugin.
  void fill(const YamlNode* map, const std::string& key, const std::string& prefix, const Choice& choice, const Place& owner,
            const std::vector<std::string>& extra_keys) {
    if (map != nullptr && map->kind == YamlKind::kMap) {
      std::vector<std::string> allowed{"plugin"};
      for (const auto& spec : choice.plugin->specs) allowed.push_back(spec.name);
      allowed.insert(allowed.end(), extra_keys.begin(), extra_keys.end());
      for (const auto& entry : map->children) {
        if (contains(allowed, entry.key)) continue;
        refuse_unknown_keys(one_entry(entry), key, allowed, chosen_elsewhere(entry, choice));
      }
    }
    for (const auto& spec : choice.plugin->specs) fill_one(map, spec, key, prefix, owner);
    check_rules(key, prefix, choice, owner);
  }

 private:
  void check_rules(const std::string& key, const std::string& prefix, const Choice& choice, const Place& owner) const {
    if (!choice.plugin->check_rules) return;
    const ParamValues own = prefix.empty() ? slot_.values : slot_.values.sub(prefix.substr(0, prefix.size() - 1));
    try {
      choice.plugin->check_rules(own);
    } catch (const ConfigError& error) {
      fail(owner, key + ": " + error.what());
    }
  }

  static YamlNode one_entry(const YamlNode& entry) {
    YamlNode map;
    map.kind = YamlKind::kMap;
    map.children.push_back(entry);
    return map;
  }

  /// Keys written for one plugin stay when --set or an including file names another; say why they are suddenly unknown.
  static std::string chosen_elsewhere(const YamlNode& entry, const Choice& choice) {
    const bool same_place = entry.key_place.command_line || entry.key_place.file == choice.place.file;
    if (choice.id.source == ValueSource::kDefault || same_place) return "";
    return ". The slot's plugin is '" + choice.plugin->id + "', chosen by " + choice.place.text() +
           "; keys written for another plugin have to be removed";
  }

  void fill_one(const YamlNode* map, const ParamSpec& spec, const std::string& key, const std::string& prefix,
                const Place& owner) {
    const std::string full = key + "." + spec.name;
    if (spec.type == ParamType::kPlugin) return fill_plugin(map, spec, full, prefix, owner);
    ResolvedValue value = resolve_value(map, spec, full, owner, scope_.resolved);
    const YamlNode* node = map == nullptr ? nullptr : map->find(spec.name);
    const Place& place = node == nullptr ? owner : node->place;
    if (spec.type == ParamType::kStage) {
      const auto& stage = std::get<std::string>(value.value);
      if (stage.empty() && spec.required) fail(place, full + ": must name a stage (" + spec.doc + ")");
      if (!stage.empty()) {
        check_reference(stage, "stage", full, place, scope_.stages, scope_.all_stages);
        slot_.parents.push_back({prefix + spec.name, stage});
      }
    }
    if (spec.type == ParamType::kStages) {
      const auto& names = std::get<std::vector<std::string>>(value.value);
      if (names.empty() && spec.required) fail(place, full + ": must name at least one stage (" + spec.doc + ")");
      refuse_repeats(names, full, place);
      for (const auto& stage : names) {
        check_reference(stage, "stage", full, place, scope_.stages, scope_.all_stages);
        slot_.parents.push_back({prefix + spec.name, stage});
      }
    }
    if (spec.type == ParamType::kDatasets) {
      const auto& names = std::get<std::vector<std::string>>(value.value);
      if (names.empty() && spec.required) fail(place, full + ": must name at least one dataset (" + spec.doc + ")");
      refuse_repeats(names, full, place);
      for (const auto& name : names) {
        check_reference(name, "dataset", full, place, scope_.datasets, scope_.all_datasets);
        if (!contains(slot_.datasets, name)) slot_.datasets.push_back(name);
      }
    }
    slot_.values.set(prefix + spec.name, std::move(value));
  }

  void fill_plugin(const YamlNode* map, const ParamSpec& spec, const std::string& full, const std::string& prefix,
                   const Place& owner) {
    const YamlNode* node = map == nullptr ? nullptr : map->find(spec.name);
    const auto& fallback = std::get<std::string>(spec.default_value);
    if (node == nullptr && spec.required) missing(spec, full, owner);
    if (node == nullptr && fallback.empty()) {  // an optional slot, left empty
      const ResolvedValue none{std::string(), ValueSource::kDefault, ""};
      list_value(scope_.resolved, full, none);
      slot_.values.set(prefix + spec.name, none);
      return;
    }
    if (depth_ >= kMaxNesting) throw PluginError(full + ": plugin slots are nested more than 8 deep");
    const Place& place = node == nullptr ? owner : node->key_place;
    const Choice choice = choose_plugin(node, {full, spec.name, spec.refers_to, fallback}, place, scope_.catalog);
    list_value(scope_.resolved, full, choice.id);
    slot_.values.set(prefix + spec.name, choice.id);
    ++depth_;
    fill(node, full, prefix + spec.name + ".", choice, place, {});
    --depth_;
  }

 public:
  [[noreturn]] static void missing(const ParamSpec& spec, const std::string& full, const Place& owner) {
    const auto dot = full.rfind('.');
    const std::string slot = dot == std::string::npos ? "the experiment" : "'" + full.substr(0, dot) + "'";
    fail(owner, slot + " needs '" + spec.name + "': " + allowed_text(spec) + " (" + spec.doc + ")");
  }

 private:
  const Scope& scope_;
  SlotConfig& slot_;
  int depth_ = 0;
};

[[noreturn]] void refuse_key(const YamlNode& entry, const std::string& prefix, const std::vector<std::string>& allowed,
                             const std::string& note) {
  const std::string full = prefix.empty() ? entry.key : prefix + "." + entry.key;
  const std::string nearest = suggestion(entry.key, allowed);
  const bool glued = entry.kind == YamlKind::kNull && entry.key.find(':') != std::string::npos;
  fail(entry.key_place, "unknown key '" + full + "'" + (glued ? "; put a space after ':'" : nearest) +
                            (glued || nearest.empty() ? ". Allowed: " : " Allowed: ") + join(allowed) + note);
}

}  // namespace

SlotConfig resolve_slot(const YamlNode& node, const std::string& key, const std::string& name, const std::string& kind,
                        const std::vector<std::string>& extra_keys, const Scope& scope) {
  static const std::string kNoFallback;
  const Choice choice = choose_plugin(&node, {key, name, kind, kNoFallback}, node.key_place, scope.catalog);
  SlotConfig slot{name, kind, choice.plugin->id, {}};
  list_value(scope.resolved, key + ".plugin", choice.id);
  SlotResolver(scope, slot).fill(&node, key, "", choice, node.key_place, extra_keys);
  return slot;
}

void refuse_unknown_keys(const YamlNode& map, const std::string& prefix, const std::vector<std::string>& allowed,
                         const std::string& note) {
  for (const auto& entry : map.children) {
    if (!contains(allowed, entry.key)) refuse_key(entry, prefix, allowed, note);
  }
}

ResolvedValue resolve_value(const YamlNode* map, const ParamSpec& spec, const std::string& key, const Place& owner,
                            std::vector<ResolvedEntry>& resolved) {
  const YamlNode* node = map == nullptr ? nullptr : map->find(spec.name);
  if (node == nullptr && spec.required) SlotResolver::missing(spec, key, owner);
  ResolvedValue value{spec.default_value, ValueSource::kDefault, ""};
  if (node != nullptr) value = written(read_value(*node, spec, key), node->place);
  list_value(resolved, key, value);
  return value;
}

void check_reference(const std::string& name, const std::string& what, const std::string& key, const Place& place,
                     const std::vector<std::string>& usable, const std::vector<std::string>& all) {
  if (contains(usable, name)) return;
  const std::string earlier = (usable.size() < all.size() ? "Earlier " + what : "Available " + what) + "s: ";
  if (contains(all, name)) {
    fail(place, key + ": " + what + " '" + name + "' does not come before this one; move it up, or name an earlier one. " +
                    earlier + join(usable));
  }
  const std::string nearest = suggestion(name, usable);
  fail(place, key + ": the experiment has no " + what + " '" + name + "'" + nearest + (nearest.empty() ? ". " : " ") +
                  earlier + join(usable));
}

void refuse_repeats(const std::vector<std::string>& names, const std::string& key, const Place& place) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (std::count(names.begin(), names.end(), names[i]) > 1)
      fail(place, key + ": names '" + names[i] + "' twice; keep one");
  }
}

}  // namespace temper::config

namespace temper {

ParamValues values_of_sets(const PluginCatalog& catalog, const std::string& kind, const std::string& id,
                           const std::vector<std::string>& sets) {
  using namespace config;
  const Registration* plugin = catalog.lookup(kind, id);
  if (plugin == nullptr) {
    throw ConfigError("there is no " + kind + " '" + id + "'" + suggestion(id, catalog.ids(kind)) +
                      ". Available: " + join(catalog.ids(kind)));
  }
  ParamValues values = default_values(plugin->specs);
  std::vector<std::string> names;
  for (const auto& spec : plugin->specs) names.push_back(spec.name);
  for (const auto& assignment : sets) {
    const Place place{"--set " + assignment, 0, true};
    const auto equals = assignment.find('=');
    if (equals == std::string::npos || equals == 0) fail(place, "expected PARAMETER=VALUE");
    const std::string name = assignment.substr(0, equals);
    const auto spec =
        std::find_if(plugin->specs.begin(), plugin->specs.end(), [&](const auto& s) { return s.name == name; });
    if (spec == plugin->specs.end()) {
      fail(place,
           kind + " '" + id + "' has no parameter '" + name + "'" + suggestion(name, names) + ". It has: " + join(names));
    }
    values.set(name, written(read_value(parse_yaml(assignment.substr(equals + 1), place), *spec, name), place));
  }
  if (plugin->check_rules) plugin->check_rules(values);
  return values;
}

}  // namespace temper
