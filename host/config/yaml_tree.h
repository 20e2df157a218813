// A YAML document as a tree that knows the file and line of everything in it, keeps scalars as the text that was written,
// and has refused what a plain YAML reader lets pass: duplicate keys, tags, several documents, anchors that hold
// themselves. Aliases and `<<` merge keys are already expanded.
// Used by compose.h, which joins several trees; value.h turns the scalars into numbers. Knows nothing of experiments.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace temper::config {

/// Where a piece of text was written: a line of a file, or an option of the command line.
struct Place {
  std::string file;  ///< the path as shown to people; for the command line the whole option, e.g. "--set seed=3"
  int line = 0;      ///< from 1; 0: the whole file, or the command line
  bool command_line = false;

  std::string text() const;   ///< "base.yaml:12" or "--set seed=3": how an error message starts
  std::string where() const;  ///< "base.yaml:12" or "--set": what a resolved value remembers
};

enum class YamlKind { kNull, kScalar, kList, kMap };

struct YamlNode {
  YamlKind kind = YamlKind::kNull;
  std::string text;     ///< kScalar: the characters, after unquoting
  bool quoted = false;  ///< kScalar: written with quotes or as a block, so it is text even if it looks like a number
  Place place;
  std::string key;  ///< of an entry of a map
  Place key_place;
  std::vector<YamlNode> children;  ///< kList: items; kMap: entries in the order of the file, keys all different

  const YamlNode* find(std::string_view name) const;
  YamlNode* find(std::string_view name);
  /// "a list", "a map", "nothing" or "'text'", for messages.
  std::string shown() const;
};

/// Parses one document. `place` says where it comes from: its line is ignored, and with `command_line` every node keeps
/// exactly this place. An empty document gives a kNull node. Throws ConfigError with file, line and column.
YamlNode parse_yaml(const std::string& text, const Place& place);

/// Throws ConfigError with the place in front.
[[noreturn]] void fail(const Place& place, const std::string& message);

/// "a, b, c", or `none` if there are none.
std::string join(const std::vector<std::string>& names, std::string_view none = "none");
/// "; did you mean 'x'?" or "".
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace temper::config
