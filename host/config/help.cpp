// Markdown and plain text from ParamSpecs.
#include "host/config/help.h"

#include <algorithm>
#include <sstream>
#include <vector>

#include "host/config/yaml_tree.h"
#include "temper/params.h"

namespace temper {
namespace {

std::string number(const ParamSpec& spec, double value) {
  return spec.type == ParamType::kInt ? to_text(static_cast<std::int64_t>(value)) : to_text(value);
}

std::string allowed(const ParamSpec& spec) {
  if (!spec.choices.empty()) return config::join(spec.choices);
  if (spec.type == ParamType::kPlugin) return "a plugin of kind " + spec.refers_to;
  if (spec.min && spec.max) return number(spec, *spec.min) + " to " + number(spec, *spec.max);
  if (spec.min) return "at least " + number(spec, *spec.min);
  if (spec.max) return "at most " + number(spec, *spec.max);
  return "";
}

std::string default_text(const ParamSpec& spec) {
  if (spec.required) return "required";
  const std::string text = to_text(spec.default_value);
  return text.empty() ? "none" : text;
}

/// A cell must stay one cell whatever the text holds.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') {
      out += "\\|";
    } else if (c == '\n') {
      out += "<br>";
    } else {
      out += c;
    }
  }
  return out;
}

std::string code(const std::string& text) {
  if (text.empty()) return "";
  return "`" + cell(text) + "`";
}

std::string wrap(const std::string& text, std::size_t indent, std::size_t width) {
  std::istringstream words(text);
  std::string out, line, word;
  const std::size_t room = width > indent + 20 ? width - indent : 20;
  while (words >> word) {
    if (!line.empty() && line.size() + 1 + word.size() > room) {
      out += std::string(indent, ' ') + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return line.empty() ? out : out + std::string(indent, ' ') + line + "\n";
}

}  // namespace

std::string describe_plugin_table(const Registration& plugin) {
  if (plugin.specs.empty()) return "`" + plugin.id + "` has no parameters.\n";
  std::string out = "| parameter | type | default | allowed | unit | meaning |\n|---|---|---|---|---|---|\n";
  for (const auto& spec : plugin.specs) {
    const std::string fallback = default_text(spec);
    const bool word = spec.required || to_text(spec.default_value).empty();
    out += "| " + code(spec.name) + " | " + std::string(to_string(spec.type)) + " | " + (word ? fallback : code(fallback)) +
           " | " + cell(allowed(spec)) + " | " + cell(spec.unit) + " | " + cell(spec.doc) + " |\n";
  }
  return out;
}

std::string describe_plugin_text(const Registration& plugin, std::size_t width) {
  std::string out = wrap(plugin.id + " (" + plugin.kind + "): " + plugin.summary, 0, width);
  if (plugin.specs.empty()) return out + "  no parameters\n";
  std::size_t name_width = 0;
  for (const auto& spec : plugin.specs) name_width = std::max(name_width, spec.name.size());
  for (const auto& spec : plugin.specs) {
    std::string facts =
        std::string(to_string(spec.type)) + ", " + (spec.required ? "required" : "default " + default_text(spec));
    const std::string range = allowed(spec);
    if (!range.empty()) facts += (spec.choices.empty() ? ", " : ", one of ") + range;
    if (!spec.unit.empty()) facts += ", in " + spec.unit;
    out += "  " + spec.name + std::string(name_width - spec.name.size() + 2, ' ') + facts + "\n";
    out += wrap(spec.doc, name_width + 4, width);
  }
  return out;
}

}  // namespace temper
