// Includes and --set, done on the tree before any parameter is looked at.
#include "host/config/compose.h"

#include <unicode/utf8.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "host/util/split.h"
#include "temper/error.h"

namespace temper::config {
namespace fs = std::filesystem;
namespace {

void check_utf8(const std::string& text, const std::string& name) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const auto size = static_cast<std::int32_t>(text.size());
  std::int32_t position = 0;
  while (position < size) {
    const std::int32_t start = position;
    UChar32 character = 0;
    U8_NEXT(bytes, position, size, character);
    if (character > 0) continue;
    const auto line = 1 + std::count(text.begin(), text.begin() + start, '\n');
    throw DataError(name + ":" + std::to_string(line) + ": the file is not UTF-8 text (byte " + std::to_string(start) +
                    "); save it as UTF-8");
  }
}

YamlNode parse_document(const std::string& text, const std::string& name) {
  check_utf8(text, name);
  YamlNode tree = parse_yaml(text, {name, 0, false});
  if (tree.kind == YamlKind::kNull) {
    throw DataError(name + ": the experiment file is empty; it needs at least model, tokenizer and stages");
  }
  if (tree.kind != YamlKind::kMap) {
    fail(tree.place, "an experiment is a map of 'key: value' lines, but this file holds " + tree.shown());
  }
  return tree;
}

std::vector<const YamlNode*> include_items(const YamlNode& include) {
  std::vector<const YamlNode*> items;
  if (include.kind == YamlKind::kScalar) items.push_back(&include);
  if (include.kind == YamlKind::kList) {
    for (const auto& item : include.children) items.push_back(&item);
  }
  for (const auto* item : items) {
    if (item->kind != YamlKind::kScalar || item->text.empty()) {
      fail(item->place, "include: must name a file, but holds " + item->shown());
    }
  }
  if (items.empty())
    fail(include.key_place, "include: must be a file name or a list of file names, but is " + include.shown());
  return items;
}

void erase(YamlNode& map, std::string_view key) {
  auto& entries = map.children;
  entries.erase(std::remove_if(entries.begin(), entries.end(), [&](const YamlNode& entry) { return entry.key == key; }),
                entries.end());
}

Composed expand(YamlNode tree, const fs::path& origin, std::vector<fs::path>& open);

YamlNode load_included(const YamlNode& item, const fs::path& origin, std::vector<fs::path>& open) {
  const fs::path path = (origin.parent_path() / item.text).lexically_normal();
  std::error_code error;
  const fs::path canonical = fs::canonical(path, error);
  if (error) {
    fail(item.place, "include: cannot find '" + item.text + "' (looked for " + path.string() +
                         "; the path is relative to the file that includes it)");
  }
  if (const auto found = std::find(open.begin(), open.end(), canonical); found != open.end()) {
    std::string chain;
    for (auto step = found; step != open.end(); ++step) chain += step->filename().string() + " -> ";
    fail(item.place, "include: the files include one another in a circle: " + chain + canonical.filename().string() +
                         "; remove one of the includes");
  }
  open.push_back(canonical);
  YamlNode base = expand(parse_document(read_text(path), path.string()), path, open).tree;
  open.pop_back();
  erase(base, "experiment");
  erase(base, "description");
  return base;
}

Composed expand(YamlNode tree, const fs::path& origin, std::vector<fs::path>& open) {
  const YamlNode* include = tree.find("include");
  if (include == nullptr) return {std::move(tree), false};
  YamlNode base;
  for (const auto* item : include_items(*include)) base = merge_over(std::move(base), load_included(*item, origin, open));
  erase(tree, "include");
  return {merge_over(std::move(base), std::move(tree)), true};
}

YamlNode plugin_entry(YamlNode id) {
  id.key = "plugin";
  id.key_place = id.place;
  return id;
}

/// Turns a plain plugin id into a map, so that keys can be set beside it.
void make_map(YamlNode& node, const Place& place) {
  if (node.kind == YamlKind::kMap) return;
  YamlNode map;
  map.kind = YamlKind::kMap;
  map.place = place;
  map.key = node.key;
  map.key_place = node.key_place;
  if (node.kind == YamlKind::kScalar) map.children.push_back(plugin_entry(std::move(node)));
  node = std::move(map);
}

YamlNode& child_of(YamlNode& map, const std::string& key, const Place& place) {
  if (YamlNode* child = map.find(key)) return *child;
  YamlNode child;
  child.place = child.key_place = place;
  child.key = key;
  map.children.push_back(std::move(child));
  return map.children.back();
}

std::vector<std::string> names_of(const YamlNode* map) {
  std::vector<std::string> names;
  if (map != nullptr && map->kind == YamlKind::kMap) {
    for (const auto& entry : map->children) names.push_back(entry.key);
  }
  return names;
}

std::vector<std::string> split_key(const std::string& key, const Place& place) {
  std::vector<std::string> parts = split(key, '.');
  if (std::find(parts.begin(), parts.end(), "") != parts.end()) {
    fail(place, "the key '" + key + "' has an empty part; write it like stages.sft.learning_rate");
  }
  return parts;
}

void check_target(const YamlNode& tree, const std::vector<std::string>& parts, const Place& place) {
  if (parts[0] == "include") fail(place, "files are included by the experiment file only; write 'include' there");
  if (!is_section(parts[0])) return;
  const std::string one = parts[0].substr(0, parts[0].size() - 1);
  if (parts.size() == 1) fail(place, "'" + parts[0] + "' cannot be set as a whole; set " + parts[0] + ".NAME.KEY=VALUE");
  const auto names = names_of(tree.find(parts[0]));
  if (std::find(names.begin(), names.end(), parts[1]) != names.end()) return;
  const std::string nearest = suggestion(parts[1], names);
  fail(place, "the experiment has no " + one + " '" + parts[1] + "'" + nearest + (nearest.empty() ? ". " : " ") +
                  "It has: " + join(names) + ". Add a new " + one + " in the file");
}

[[noreturn]] void refuse_list(const std::string& key, const Place& place) {
  fail(place, "'" + key + "' is a list; set it as a whole: --set '" + key + "=[a, b]'");
}

}  // namespace

bool is_section(std::string_view key) {
  return key == "models" || key == "datasets" || key == "stages" || key == "evaluators";
}

std::string read_text(const fs::path& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status))
    throw DataError(path.string() + ": there is no such file; give the path of an experiment (.yaml)");
  if (fs::is_directory(status))
    throw DataError(path.string() + ": this is a folder; give the path of an experiment (.yaml)");
  constexpr std::uintmax_t kMaxBytes = 16 << 20;
  if (fs::is_regular_file(status) && fs::file_size(path, error) > kMaxBytes) {
    throw DataError(path.string() + ": larger than 16 MB, so this is no experiment file");
  }
  std::ifstream stream(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (!stream.good() && !stream.eof()) throw DataError(path.string() + ": cannot be read; check its permissions");
  check_utf8(text, path.string());
  return text;
}

Composed compose(const std::string& text, const fs::path& origin) {
  std::vector<fs::path> open;
  std::error_code error;
  open.push_back(fs::weakly_canonical(origin, error));
  return expand(parse_document(text, origin.string()), origin, open);
}

YamlNode merge_over(YamlNode base, YamlNode over) {
  if (over.kind != YamlKind::kMap) return base.kind == YamlKind::kMap && over.kind == YamlKind::kNull ? base : over;
  if (base.kind == YamlKind::kScalar) {
    if (over.find("plugin") == nullptr) over.children.insert(over.children.begin(), plugin_entry(std::move(base)));
    return over;
  }
  if (base.kind != YamlKind::kMap) return over;
  for (auto& entry : over.children) {
    if (YamlNode* old = base.find(entry.key)) {
      *old = merge_over(std::move(*old), std::move(entry));
    } else {
      base.children.push_back(std::move(entry));
    }
  }
  base.place = over.place;
  base.key_place = over.key_place;
  base.key = over.key;
  return base;
}

void apply_set(YamlNode& tree, const std::string& assignment) {
  const Place place{"--set " + assignment, 0, true};
  const auto equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) fail(place, "expected KEY=VALUE, such as stages.sft.learning_rate=1e-4");
  const auto parts = split_key(assignment.substr(0, equals), place);
  check_utf8(assignment, "--set");
  YamlNode value;
  try {
    value = parse_yaml(assignment.substr(equals + 1), place);
  } catch (const ConfigError& error) {
    throw ConfigError(std::string(error.what()) + ". The value is read as YAML; put quotes around text: KEY='\"text\"'");
  }
  if (value.kind == YamlKind::kNull) fail(place, "no value after '='; for empty text write KEY='\"\"'");
  check_target(tree, parts, place);

  YamlNode* node = &tree;
  std::string walked;
  for (const auto& part : parts) {
    if (node->kind == YamlKind::kList) refuse_list(walked, place);
    make_map(*node, place);
    node = &child_of(*node, part, place);
    if (!walked.empty()) walked += '.';
    walked += part;
  }
  value.key = node->key;
  value.key_place = place;
  if (node->kind == YamlKind::kMap && value.kind == YamlKind::kScalar) {
    YamlNode& plugin = child_of(*node, "plugin", place);
    plugin = plugin_entry(std::move(value));
    return;
  }
  *node = merge_over(std::move(*node), std::move(value));
}

void apply_option(YamlNode& tree, const std::string& key, const std::string& value) {
  const Place place{"--" + key + " " + value, 0, true};
  YamlNode& node = child_of(tree, key, place);
  node = YamlNode{};
  node.kind = YamlKind::kScalar;
  node.text = value;
  node.key = key;
  node.place = node.key_place = place;
}

}  // namespace temper::config
