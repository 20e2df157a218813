// Axes and cells (see axes.h).
#include "host/sweep/axes.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "temper/error.h"
#include "temper/random.h"

namespace temper {

using config::fail;
using config::YamlKind;
using config::YamlNode;

namespace {

using Cell = std::vector<Assignment>;

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// At commas outside of brackets and quotes.
std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts{""};
  int depth = 0;
  char quote = 0;
  for (const char c : text) {
    if (quote != 0) {
      quote = c == quote ? 0 : quote;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '[' || c == '{' || c == '(') {
      ++depth;
    } else if (c == ']' || c == '}' || c == ')') {
      --depth;
    } else if (c == ',' && depth == 0) {
      parts.emplace_back();
      continue;
    }
    parts.back() += c;
  }
  for (auto& part : parts) part = trimmed(part);
  return parts;
}

double number_of(const std::string& text, const std::string& where) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != 0 || !std::isfinite(value)) throw ConfigError(where + ": '" + text + "' is not a number");
  return value;
}

void set_range(Axis& axis, const std::vector<std::string>& ends, const std::string& where) {
  if (ends.size() != 2) throw ConfigError(where + ": " + axis.distribution + " takes two numbers, low and high");
  axis.low = number_of(ends[0], where);
  axis.high = number_of(ends[1], where);
  if (!(axis.low < axis.high)) throw ConfigError(where + ": the first number has to be below the second");
  if (axis.distribution == "log_uniform" && axis.low <= 0) {
    throw ConfigError(where + ": log_uniform takes numbers above 0");
  }
}

Assignment assignment_of(const std::string& text, const std::string& where) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    throw ConfigError(where + ": expected KEY=VALUE, but found '" + text + "'");
  }
  return {trimmed(text.substr(0, equals)), trimmed(text.substr(equals + 1))};
}

/// A scalar as it was written, with its quotes, or any other value in flow style.
std::string flow_text(const YamlNode& node) {
  std::string text;
  switch (node.kind) {
    case YamlKind::kNull:
      return "''";
    case YamlKind::kScalar: {
      if (!node.quoted) return node.text;
      for (const char c : node.text) text += c == '\'' ? "''" : std::string(1, c);
      return "'" + text + "'";
    }
    case YamlKind::kList:
      for (const auto& item : node.children) text += (text.empty() ? "" : ", ") + flow_text(item);
      return "[" + text + "]";
    case YamlKind::kMap:
      for (const auto& entry : node.children) text += (text.empty() ? "" : ", ") + entry.key + ": " + flow_text(entry);
      return "{" + text + "}";
  }
  return text;
}

std::vector<std::string> items_of(const YamlNode& node, const std::string& what) {
  if (node.kind != YamlKind::kList || node.children.empty()) fail(node.place, what + " must be a list that is not empty");
  std::vector<std::string> items;
  for (const auto& child : node.children) items.push_back(flow_text(child));
  return items;
}

Cell map_of(const YamlNode& node, const std::string& what) {
  if (node.kind != YamlKind::kMap || node.children.empty()) fail(node.place, what + " must be a map of KEY: VALUE");
  Cell cell;
  for (const auto& entry : node.children) cell.emplace_back(entry.key, flow_text(entry));
  return cell;
}

Axis read_axis(const YamlNode& node) {
  Axis axis;
  axis.key = node.key;
  const std::string what = "sweep.vary." + node.key;
  if (node.kind == YamlKind::kList) {
    axis.values = items_of(node, what);
    return axis;
  }
  if (node.kind != YamlKind::kMap) fail(node.place, what + " must be a list of values or a map such as {uniform: [0, 1]}");
  for (const auto& entry : node.children) {
    if (entry.key == "when") {
      axis.when = map_of(entry, what + ".when");
    } else if (entry.key == "values" || entry.key == "choice") {
      axis.values = items_of(entry, what + "." + entry.key);
      if (entry.key == "choice") axis.distribution = "choice";
    } else if (entry.key == "uniform" || entry.key == "log_uniform") {
      axis.distribution = entry.key;
      set_range(axis, items_of(entry, what + "." + entry.key), entry.place.text() + ": " + what);
    } else {
      fail(entry.key_place, what + ": unknown key '" + entry.key + "'. Allowed: values, choice, uniform, log_uniform, when");
    }
  }
  if (axis.values.empty() && axis.distribution.empty()) fail(node.place, what + " gives no values");
  return axis;
}

const std::string* value_of(const Cell& cell, const std::string& key) {
  for (const auto& [name, value] : cell) {
    if (name == key) return &value;
  }
  return nullptr;
}

bool has_all(const Cell& cell, const Cell& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const Assignment& one) {
    const std::string* value = value_of(cell, one.first);
    return value != nullptr && *value == one.second;
  });
}

std::string drawn(const Axis& axis, Rng& rng) {
  if (axis.distribution == "choice") return axis.values[rng.below(axis.values.size())];
  const double share = rng.uniform();
  const double value = axis.distribution == "uniform"
                           ? axis.low + share * (axis.high - axis.low)
                           : std::exp(std::log(axis.low) + share * (std::log(axis.high) - std::log(axis.low)));
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

/// Axes that run in step, or one alone.
using Group = std::vector<const Axis*>;

std::vector<Group> groups_of(const SweepSpec& spec) {
  std::set<std::string> keys, zipped;
  for (const auto& axis : spec.axes) {
    if (!keys.insert(axis.key).second) throw ConfigError("the sweep varies " + axis.key + " twice; keep one axis");
  }
  for (const auto& zip : spec.zips) {
    for (const auto& key : zip) {
      if (keys.count(key) == 0) throw ConfigError("zip names " + key + ", which the sweep does not vary");
      if (!zipped.insert(key).second) throw ConfigError("zip names " + key + " twice");
    }
  }
  std::vector<Group> groups;
  std::set<std::string> seen, earlier;
  for (const auto& axis : spec.axes) {
    for (const auto& [key, value] : axis.when) {
      if (earlier.count(key) == 0) {
        throw ConfigError("the axis " + axis.key + " depends on " + key + ", which has to be an axis before it");
      }
    }
    earlier.insert(axis.key);
    if (!axis.distribution.empty() || seen.count(axis.key) > 0) continue;
    Group group{&axis};
    for (const auto& zip : spec.zips) {
      if (std::find(zip.begin(), zip.end(), axis.key) == zip.end()) continue;
      group.clear();
      for (const auto& key : zip) {
        const auto found = std::find_if(spec.axes.begin(), spec.axes.end(), [&](const Axis& a) { return a.key == key; });
        if (!found->distribution.empty()) throw ConfigError("zip names " + key + ", which is drawn at random");
        group.push_back(&*found);
        seen.insert(key);
        if (found->values.size() != group.front()->values.size()) {
          throw ConfigError("zip runs " + group.front()->key + " (" + std::to_string(group.front()->values.size()) +
                            " values) and " + key + " (" + std::to_string(found->values.size()) +
                            ") in step; give both the same number of values");
        }
      }
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace

Axis parse_axis(const std::string& text) {
  const std::string where = "--vary " + text;
  const auto [key, values] = assignment_of(text, where);
  Axis axis;
  axis.key = key;
  for (const std::string name : {"uniform", "log_uniform", "choice"}) {
    if (values.compare(0, name.size() + 1, name + "(") != 0 || values.back() != ')') continue;
    axis.distribution = name;
    const auto parts = split(values.substr(name.size() + 1, values.size() - name.size() - 2));
    if (name == "choice") {
      axis.values = parts;
    } else {
      set_range(axis, parts, where);
    }
    return axis;
  }
  axis.values = split(values);
  for (const auto& value : axis.values) {
    if (value.empty()) throw ConfigError(where + ": a value is empty; separate values by single commas");
  }
  return axis;
}

std::vector<Assignment> parse_assignments(const std::string& text, const std::string& option) {
  Cell cell;
  for (const auto& part : split(text)) cell.push_back(assignment_of(part, option + " " + text));
  return cell;
}

std::vector<std::uint64_t> parse_seeds(const std::string& text, const std::string& option) {
  std::vector<std::uint64_t> seeds;
  const auto whole = [&](const std::string& part) {
    if (part.empty() || part.size() > 18 || part.find_first_not_of("0123456789") != std::string::npos) {
      throw ConfigError(option + " " + text + ": '" + part + "' is not a seed; write 1..5 or 1,2,3");
    }
    return std::stoull(part);
  };
  for (const auto& part : split(text)) {
    const auto dots = part.find("..");
    const std::uint64_t first = whole(trimmed(part.substr(0, dots)));
    const std::uint64_t last = dots == std::string::npos ? first : whole(trimmed(part.substr(dots + 2)));
    if (last < first || last - first >= 100000) {
      throw ConfigError(option + " " + text + ": '" + part + "' is no range from a smaller to a larger seed");
    }
    for (std::uint64_t seed = first; seed <= last; ++seed) seeds.push_back(seed);
  }
  if (std::set<std::uint64_t>(seeds.begin(), seeds.end()).size() != seeds.size()) {
    throw ConfigError(option + " " + text + ": names a seed twice");
  }
  return seeds;
}

SweepSpec read_spec(const YamlNode& section) {
  SweepSpec spec;
  if (section.kind != YamlKind::kMap) {
    fail(section.place, "sweep: must be a map with vary, zip, list, exclude, seeds, draws or halving");
  }
  for (const auto& entry : section.children) {
    if (entry.key == "vary") {
      if (entry.kind != YamlKind::kMap) fail(entry.place, "sweep.vary must be a map of KEY: [values]");
      for (const auto& axis : entry.children) spec.axes.push_back(read_axis(axis));
    } else if (entry.key == "zip" || entry.key == "list" || entry.key == "exclude") {
      if (entry.kind != YamlKind::kList) fail(entry.place, "sweep." + entry.key + " must be a list");
      for (const auto& item : entry.children) {
        if (entry.key == "zip") spec.zips.push_back(items_of(item, "sweep.zip"));
        if (entry.key == "list") spec.list.push_back(map_of(item, "sweep.list"));
        if (entry.key == "exclude") spec.excludes.push_back(map_of(item, "sweep.exclude"));
      }
    } else if (entry.key == "seeds") {
      std::string text = entry.kind == YamlKind::kScalar ? entry.text : "";
      if (entry.kind == YamlKind::kList) {
        for (const auto& item : items_of(entry, "sweep.seeds")) text += (text.empty() ? "" : ",") + item;
      }
      spec.seeds = parse_seeds(text, entry.place.text() + ": sweep.seeds");
    } else if (entry.key == "draws") {
      spec.draws = static_cast<std::int64_t>(number_of(entry.text, entry.place.text() + ": sweep.draws"));
    } else if (entry.key == "halving") {
      spec.halving = read_halving(entry);
    } else {
      fail(entry.key_place,
           "unknown key 'sweep." + entry.key + "'. Allowed: vary, zip, list, exclude, seeds, draws, halving");
    }
  }
  return spec;
}

std::vector<Cell> expand(const SweepSpec& spec, std::uint64_t seed) {
  std::vector<Cell> cells = spec.list.empty() ? std::vector<Cell>{{}} : spec.list;
  for (const auto& group : groups_of(spec)) {
    std::vector<Cell> next;
    for (const auto& cell : cells) {
      if (!has_all(cell, group.front()->when)) {
        next.push_back(cell);
        continue;
      }
      for (std::size_t i = 0; i < group.front()->values.size(); ++i) {
        Cell longer = cell;
        for (const Axis* axis : group) longer.emplace_back(axis->key, axis->values[i]);
        next.push_back(std::move(longer));
      }
    }
    cells = std::move(next);
  }
  const bool is_random =
      std::any_of(spec.axes.begin(), spec.axes.end(), [](const Axis& axis) { return !axis.distribution.empty(); });
  if (is_random && spec.draws < 1) throw ConfigError("a random axis needs a number of draws; give --draws N");
  if (is_random) {
    std::vector<Cell> next;
    for (const auto& cell : cells) {
      for (std::int64_t draw = 0; draw < spec.draws; ++draw) {
        Cell longer = cell;
        for (const auto& axis : spec.axes) {
          if (axis.distribution.empty() || !has_all(longer, axis.when)) continue;
          Rng rng(derive_seed(derive_seed(seed, {"sweep", axis.key}), static_cast<std::uint64_t>(draw)));
          longer.emplace_back(axis.key, drawn(axis, rng));
        }
        next.push_back(std::move(longer));
      }
    }
    cells = std::move(next);
  }
  std::erase_if(cells, [&](const Cell& cell) {
    return std::any_of(spec.excludes.begin(), spec.excludes.end(), [&](const Cell& out) { return has_all(cell, out); });
  });
  if (cells.empty()) throw ConfigError("the sweep has no cell: everything is excluded");
  return cells;
}

}  // namespace temper
