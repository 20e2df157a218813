// The plugin registry (see registry.h).
#include "host/plugin/registry.h"

#include <algorithm>
#include <set>

#include "temper/hash.h"

namespace temper {
namespace {

bool valid_id(const std::string& id) {
  if (id.empty() || id[0] < 'a' || id[0] > 'z') return false;
  return std::all_of(id.begin(), id.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

const std::vector<std::string>& known_kinds() {
  static const std::vector<std::string> kinds = {"architecture", "tokenizer", "dataset",  "filter",
                                                 "objective",    "stage",     "evaluator"};
  return kinds;
}

}  // namespace

const std::string& PluginInfo::sha256() const {
  std::call_once(hashed_, [this] { sha256_ = sha256_file(path); });
  return sha256_;
}

void Registry::add(Registration registration, std::shared_ptr<const PluginInfo> info) {
  if (frozen_) throw PluginError("the registry is frozen; plugins can only be registered while they are loaded");
  const auto& kinds = known_kinds();
  if (std::find(kinds.begin(), kinds.end(), registration.kind) == kinds.end()) {
    throw PluginError("registers '" + registration.id + "' as the unknown kind '" + registration.kind + "'");
  }
  if (!valid_id(registration.id)) {
    throw PluginError("registers the id '" + registration.id + "', which is not allowed: use [a-z][a-z0-9_]*");
  }
  if (registration.summary.empty()) throw PluginError("registers '" + registration.id + "' without a summary");
  std::set<std::string> names;
  for (const auto& spec : registration.specs) {
    check_spec(spec);
    if (spec.name == "plugin" || spec.name == "after") {
      throw PluginError("parameter name '" + spec.name + "' of '" + registration.id + "' is reserved for experiment files");
    }
    if (!names.insert(spec.name).second) {
      throw PluginError("declares parameter '" + spec.name + "' of '" + registration.id + "' twice");
    }
  }
  const std::pair<std::string, std::string> key{registration.kind, registration.id};
  const auto found = entries_.find(key);
  if (found != entries_.end()) {
    throw PluginError("registers " + key.first + " '" + key.second + "', which '" + found->second.info->path.string() +
                      "' has registered already; rename one of them");
  }
  entries_.emplace(key, Entry{std::move(registration), std::move(info)});
}

void Registry::add_failure(const std::filesystem::path& file, const std::string& message) {
  failures_.emplace_back(file, message);
}

const Registration* Registry::lookup(std::string_view kind, std::string_view id) const {
  const auto found = entries_.find({std::string(kind), std::string(id)});
  if (found != entries_.end()) return &found->second.registration;
  explain_failure(kind, id);
  return nullptr;
}

std::vector<std::string> Registry::ids(std::string_view kind) const {
  std::vector<std::string> ids;
  for (const auto& [key, entry] : entries_) {
    if (key.first == kind) ids.push_back(key.second);
  }
  return ids;
}

std::vector<const Registration*> Registry::list() const {
  std::vector<const Registration*> all;
  for (const auto& [key, entry] : entries_) all.push_back(&entry.registration);
  return all;
}

void Registry::explain_failure(std::string_view kind, std::string_view id) const {
  const std::string wanted = std::string(kind) + "_" + std::string(id);
  for (const auto& [file, message] : failures_) {
    if (file.stem() == wanted || file.stem() == "lib" + wanted) {
      throw PluginError(std::string(kind) + " '" + std::string(id) + "' could not be loaded from '" + file.string() +
                        "': " + message);
    }
  }
}

const Registry::Entry& Registry::entry(std::string_view kind, std::string_view id) const {
  const auto found = entries_.find({std::string(kind), std::string(id)});
  if (found != entries_.end()) return found->second;
  explain_failure(kind, id);
  std::string broken;
  for (const auto& [file, message] : failures_) broken += (broken.empty() ? "" : ", ") + file.filename().string();
  const auto known = ids(kind);
  const auto suggestion = nearest_name(id, known);
  std::string list;
  for (const auto& name : known) list += (list.empty() ? "" : ", ") + name;
  throw ConfigError("there is no " + std::string(kind) + " '" + std::string(id) + "'" +
                    (suggestion ? "; did you mean '" + *suggestion + "'?" : ".") +
                    " There are: " + (list.empty() ? "none" : list) +
                    (broken.empty() ? "" : ". Not loaded: " + broken + " (`temper plugins list` says why)"));
}

const Registration& Registry::find(std::string_view kind, std::string_view id) const { return entry(kind, id).registration; }

const PluginInfo& Registry::origin(std::string_view kind, std::string_view id) const { return *entry(kind, id).info; }

}  // namespace temper
