// Writing a new plugin project (see new_plugin.h).
#include "host/plugin/new_plugin.h"

#include <algorithm>
#include <fstream>
#include <map>

#include "host/plugin/template_files.h"
#include "temper/error.h"
#include "temper/params.h"

namespace temper {
namespace {

namespace fs = std::filesystem;

/// my_model -> MyModel.
std::string camel_case(const std::string& name) {
  std::string camel;
  bool upper = true;
  for (const char c : name) {
    if (c == '_') {
      upper = true;
      continue;
    }
    camel += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return camel;
}

/// The first comment of the plugin's main file, without its marks: it says what the template does.
std::string idea_of(const std::string& source, const std::string& name) {
  std::string idea;
  for (std::size_t start = 0; source.compare(start, 3, "// ") == 0;) {
    const std::size_t end = source.find('\n', start);
    const std::string line = source.substr(start + 3, end - start - 3);
    if (line.rfind("Shapes:", 0) != 0) idea += (idea.empty() ? "" : "\n") + line;
    start = end + 1;
  }
  const std::string head = name + ": ";
  return idea.rfind(head, 0) == 0 ? idea.substr(head.size()) : idea;
}

std::string filled_in(std::string text, const std::map<std::string, std::string>& words) {
  for (const auto& [word, value] : words) {
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += value.size()) {
      text.replace(at, word.size(), value);
    }
  }
  return text;
}

std::string template_text(const std::string& path) {
  for (const auto& file : kTemplateFiles) {
    if (path == file.path) return file.text;
  }
  throw PluginError("the program was built without the template '" + path + "'");
}

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw DataError("cannot write '" + path.string() + "'");
}

void check_name(const std::string& name) {
  const bool good = !name.empty() && name[0] >= 'a' && name[0] <= 'z' && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (!good) throw ConfigError("'" + name + "' is no valid plugin name; use [a-z][a-z0-9_]*");
  // The CamelCase form becomes a class beside the SDK's own.
  static const std::vector<std::string> taken = {
      "architecture", "batch",   "dataset",   "document", "error",     "filter",     "filter_result", "filter_span",
      "evaluator",    "example", "generator", "message",  "objective", "piece",      "registrar",     "registration",
      "rng",          "scorer",  "split",     "stage",    "stream",    "sum_stream", "tokenizer"};
  if (std::find(taken.begin(), taken.end(), name) != taken.end()) {
    throw ConfigError("'" + name + "' is a word of the SDK; choose a name that says what is special to your plugin");
  }
}

}  // namespace

std::vector<std::string> template_kinds() {
  return {"architecture", "tokenizer", "dataset", "filter", "objective", "stage", "evaluator"};
}

fs::path write_new_plugin(const std::string& kind, const std::string& name, const fs::path& parent) {
  const auto kinds = template_kinds();
  if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
    const auto near = nearest_name(kind, kinds);
    throw ConfigError("there is no plugin kind '" + kind + "'" + (near ? "; did you mean '" + *near + "'?" : ".") +
                      " Kinds are: architecture, tokenizer, dataset, filter, objective, stage, evaluator");
  }
  check_name(name);
  const fs::path folder = (parent / name).lexically_normal();
  if (fs::exists(folder)) throw ConfigError("'" + folder.string() + "' is there already; choose another name or --out");
  std::map<std::string, std::string> words = {{"@name@", name}, {"@Name@", camel_case(name)}, {"@kind@", kind}};
  const std::string source = filled_in(template_text(kind + "/plugin.cpp"), words);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw DataError("cannot make the folder '" + folder.string() + "': " + error.message());
  write_file(folder / (name + ".cpp"), source);
  write_file(folder / "test.cpp", filled_in(template_text(kind + "/test.cpp"), words));
  write_file(folder / "CMakeLists.txt", filled_in(template_text("common/CMakeLists.txt"), words));
  words["@idea@"] = idea_of(source, name);
  words["@table@\n"] = template_text(kind + "/parameters.md");
  write_file(folder / "README.md", filled_in(template_text("common/README.md"), words));
  return folder;
}

}  // namespace temper
