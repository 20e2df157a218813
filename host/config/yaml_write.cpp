// Block style throughout; every scalar that is not plainly a word or number is double-quoted, so no context can change it.
#include "host/config/yaml_write.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

namespace temper::config {
namespace {

bool is_word_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

bool is_plain(const std::string& text) {
  if (text.empty()) return false;
  const bool starts_well =
      is_word_char(text[0]) || (text.size() > 1 && (text[0] == '-' || text[0] == '+' || text[0] == '.') &&
                                (is_word_char(text[1]) || text[1] == '.') && text != "..." && text != "..");
  return starts_well && std::all_of(text.begin(), text.end(), [](char c) {
           return is_word_char(c) || c == '_' || c == '.' || c == '/' || c == '+' || c == '-';
         });
}

std::string scalar(const std::string& text, bool quoted) {
  if (!quoted && is_plain(text)) return text;
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", byte);
      out += escape;
    } else {
      out += c;
    }
  }
  return out += '"';
}

/// Keys such as `null` would be read as no key at all.
std::string key_text(const std::string& key) {
  static constexpr const char* kNullWords[] = {"null", "Null", "NULL"};
  return scalar(key, std::find(std::begin(kNullWords), std::end(kNullWords), key) != std::end(kNullWords));
}

void write(const YamlNode& node, const std::string& indent, std::string& out) {
  if (node.kind == YamlKind::kNull) {
    out += " ~\n";
  } else if (node.kind == YamlKind::kScalar) {
    out += " " + scalar(node.text, node.quoted) + "\n";
  } else if (node.children.empty()) {
    out += node.kind == YamlKind::kMap ? " {}\n" : " []\n";
  } else {
    out += "\n";
    for (const auto& child : node.children) {
      out += indent + (node.kind == YamlKind::kMap ? key_text(child.key) + ":" : "-");
      write(child, indent + "  ", out);
    }
  }
}

}  // namespace

std::string write_yaml(const YamlNode& node) {
  std::string out;
  write(node, "", out);
  return out.substr(out.find_first_not_of(" \n"));
}

}  // namespace temper::config
