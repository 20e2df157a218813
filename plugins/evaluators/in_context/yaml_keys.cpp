// Typed reading of YAML maps (see yaml_keys.h).
#include "yaml_keys.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "temper/error.h"
#include "temper/params.h"

namespace temper::in_context {
namespace {

std::string place(const std::string& file, const YAML::Mark& mark) {
  return mark.line >= 0 ? file + ":" + std::to_string(mark.line + 1) : file;
}

std::string joined(const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

void refuse_repeated(const YAML::Node& node, const std::string& file) {
  if (node.IsSequence()) {
    for (const auto& entry : node) refuse_repeated(entry, file);
  }
  if (!node.IsMap()) return;
  std::set<std::string> seen;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar() || !seen.insert(entry.first.Scalar()).second) {
      throw ConfigError(place(file, entry.first.Mark()) + ": a key is given twice or is no plain word; keep one");
    }
    refuse_repeated(entry.second, file);
  }
}

}  // namespace

YamlKeys YamlKeys::parse(const std::string& yaml, const std::string& file) {
  try {
    YAML::Node node = YAML::Load(yaml);
    if (!node.IsMap()) throw ConfigError(file + ": a task file is a YAML map with name, kind, data and so on");
    refuse_repeated(node, file);
    return {std::move(node), file};
  } catch (const YAML::Exception& error) {
    throw ConfigError(place(file, error.mark) + ": this is not valid YAML (" + error.msg + ")");
  }
}

void YamlKeys::fail(const std::string& key, const std::string& message) const {
  const YAML::Node node = find(key);
  throw ConfigError(place(file_, node.IsDefined() ? node.Mark() : node_.Mark()) + ": '" + key + "' " + message);
}

YAML::Node YamlKeys::find(const std::string& key) const {
  // operator[] of a node that is not const would add the key.
  for (const auto& entry : node_) {
    if (entry.first.Scalar() == key) return entry.second;
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

void YamlKeys::allow(const std::vector<std::string>& names) const {
  for (const auto& entry : node_) {
    const std::string& key = entry.first.Scalar();
    if (std::find(names.begin(), names.end(), key) != names.end()) continue;
    const auto near = nearest_name(key, names);
    throw ConfigError(place(file_, entry.first.Mark()) + ": the key '" + key + "' is unknown here" +
                      (near ? "; did you mean '" + *near + "'?" : "") + " (allowed: " + joined(names) + ")");
  }
}

std::vector<std::string> YamlKeys::names() const {
  std::vector<std::string> all;
  for (const auto& entry : node_) all.push_back(entry.first.Scalar());
  return all;
}

bool YamlKeys::has(const std::string& key) const { return find(key).IsDefined(); }
bool YamlKeys::is_map(const std::string& key) const {
  const YAML::Node node = find(key);
  return node.IsDefined() && node.IsMap();
}

YamlKeys YamlKeys::map(const std::string& key, const std::vector<std::string>& allowed) const {
  if (!is_map(key)) fail(key, has(key) ? "must be a map" : "is missing");
  YamlKeys inner(find(key), file_);
  if (!allowed.empty()) inner.allow(allowed);
  return inner;
}

std::string YamlKeys::scalar(const YAML::Node& node, const std::string& key) const {
  if (!node.IsScalar()) fail(key, "must be a text");
  return node.Scalar();
}

std::string YamlKeys::text(const std::string& key, const std::string& otherwise) const {
  const YAML::Node node = find(key);
  return node.IsDefined() ? scalar(node, key) : otherwise;
}

std::vector<std::string> YamlKeys::texts(const std::string& key) const {
  const YAML::Node node = find(key);
  if (!node.IsDefined()) fail(key, "is missing");
  if (!node.IsSequence()) return {scalar(node, key)};
  std::vector<std::string> all;
  for (const auto& entry : node) all.push_back(scalar(entry, key));
  return all;
}

std::int64_t YamlKeys::integer(const std::string& key, std::int64_t otherwise, std::int64_t least) const {
  const std::string value = text(key);
  if (!has(key)) return otherwise;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < least) {
    fail(key, "is '" + value + "', must be a whole number of at least " + std::to_string(least));
  }
  return number;
}

bool YamlKeys::boolean(const std::string& key, bool otherwise) const {
  const std::string value = text(key, otherwise ? "true" : "false");
  if (value != "true" && value != "false") fail(key, "is '" + value + "', must be true or false");
  return value == "true";
}

int YamlKeys::choice(const std::string& key, const std::vector<std::string>& allowed, int otherwise) const {
  if (!has(key)) {
    if (otherwise < 0) fail(key, "is missing; it must be one of " + joined(allowed));
    return otherwise;
  }
  const std::string value = text(key);
  const auto found = std::find(allowed.begin(), allowed.end(), value);
  if (found == allowed.end()) fail(key, "is '" + value + "', must be one of " + joined(allowed));
  return static_cast<int>(found - allowed.begin());
}

TextTemplate YamlKeys::made(const std::string& key, const std::string& text) const {
  try {
    return TextTemplate(text);
  } catch (const ConfigError& error) {
    fail(key, std::string("has a bad template: ") + error.what());
  }
}

TextTemplate YamlKeys::text_template(const std::string& key) const {
  if (!has(key)) fail(key, "is missing");
  return made(key, text(key));
}

TextTemplate YamlKeys::text_template(const std::string& key, const std::string& otherwise) const {
  return made(key, text(key, otherwise));
}

std::vector<TextTemplate> YamlKeys::text_templates(const std::string& key) const {
  std::vector<TextTemplate> all;
  for (const auto& text : texts(key)) all.push_back(made(key, text));
  return all;
}

}  // namespace temper::in_context
