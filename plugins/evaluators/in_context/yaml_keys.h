// One map of a task file, with typed values and messages that begin with file and line. Used by task.cpp only.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <string>
#include <vector>

#include "text_template.h"

namespace temper::in_context {

class YamlKeys {
 public:
  /// Throws ConfigError if the text is no YAML map or has a key twice.
  static YamlKeys parse(const std::string& yaml, const std::string& file);

  /// Throws ConfigError for any other key, with the nearest of these.
  void allow(const std::vector<std::string>& names) const;
  std::vector<std::string> names() const;
  bool has(const std::string& key) const;
  bool is_map(const std::string& key) const;
  /// The map at `key`; with `allowed` not empty, only with these keys. Throws ConfigError if it is missing.
  YamlKeys map(const std::string& key, const std::vector<std::string>& allowed) const;

  std::string text(const std::string& key, const std::string& otherwise = "") const;
  /// A text or a list of texts. Throws ConfigError if it is missing.
  std::vector<std::string> texts(const std::string& key) const;
  std::int64_t integer(const std::string& key, std::int64_t otherwise, std::int64_t least) const;
  bool boolean(const std::string& key, bool otherwise) const;
  /// The place of the value in `allowed`; `otherwise` if the key is missing, an error if that is negative.
  int choice(const std::string& key, const std::vector<std::string>& allowed, int otherwise) const;
  TextTemplate text_template(const std::string& key) const;  ///< has to be there
  TextTemplate text_template(const std::string& key, const std::string& otherwise) const;
  std::vector<TextTemplate> text_templates(const std::string& key) const;
  /// Throws ConfigError: "FILE:LINE: 'KEY' MESSAGE".
  [[noreturn]] void fail(const std::string& key, const std::string& message) const;

 private:
  YamlKeys(YAML::Node node, std::string file) : node_(std::move(node)), file_(std::move(file)) {}
  YAML::Node find(const std::string& key) const;
  std::string scalar(const YAML::Node& node, const std::string& key) const;
  TextTemplate made(const std::string& key, const std::string& text) const;
  YAML::Node node_;
  std::string file_;
};

}  // namespace temper::in_context
