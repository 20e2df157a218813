// The `temper plugins` commands (see plugins_command.h).
#include "host/plugin/plugins_command.h"

#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "host/config/help.h"
#include "host/plugin/library.h"
#include "host/plugin/loader.h"
#include "host/plugin/new_plugin.h"
#include "temper/error.h"
#include "temper/params.h"
#include "temper/testing.h"

namespace temper {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Option {
  std::string name;   ///< "--format"
  std::string value;  ///< what its value is called in the help; "" for a flag
  std::string help;
};

struct Command {
  std::string name, usage, summary;
  std::vector<Option> options;
  std::size_t positional;
};

const std::vector<Command>& commands() {
  const Option format{"--format", "text|json", "how to print; json for programs"};
  const Option path{"--plugin-path", "DIR", "further folder with plugins; may be repeated"};
  static const std::vector<Command> all = {
      {"list", "temper plugins list", "All plugins, and files that could not be loaded with the reason.", {format, path}, 0},
      {"describe",
       "temper plugins describe ID",
       "What a plugin is and its parameters, as Markdown.",
       {{"--kind", "KIND", "which one, if several kinds have this id"}, format, path},
       1},
      {"check",
       "temper plugins check FILE",
       "Runs the conformance checks on a plugin file. Exit code 4 if one fails.",
       {{"--level", "1..3", "1 quick, 2 (default) a few seconds, 3 all"},
        {"--only", "ID", "one check, or all whose id starts so: architecture.causal, params."},
        {"--set", "NAME=VALUE", "value of a parameter, e.g. a required one; may be repeated"},
        {"--seed", "N", "of random values and weights; default 1"},
        {"--timeout", "SECONDS", "limit of one check; default 60"},
        {"--in-process", "", "no child processes, for a debugger"},
        format},
       1},
      {"new",
       "temper plugins new KIND NAME",
       "Writes a plugin project of your own, ready to build.",
       {{"--out", "DIR", "where its folder goes; default is here"}},
       2},
  };
  return all;
}

struct Arguments {
  std::vector<std::string> positional;
  std::map<std::string, std::vector<std::string>> values;

  bool has(const std::string& name) const { return values.count(name) != 0; }
  std::vector<std::string> list(const std::string& name) const {
    return has(name) ? values.at(name) : std::vector<std::string>{};
  }
  std::string get(const std::string& name, const std::string& otherwise) const {
    return has(name) ? values.at(name).back() : otherwise;
  }
  bool json() const {
    const std::string format = get("--format", "text");
    if (format != "text" && format != "json") throw ConfigError("--format = " + format + ": must be text or json");
    return format == "json";
  }
};

std::optional<std::string> nearest_option(const std::string& name, const std::vector<Option>& options) {
  std::vector<std::string> names;
  for (const auto& option : options) names.push_back(option.name);
  return nearest_name(name, names);
}

Arguments parse(const Command& command, const std::vector<std::string>& args) {
  std::vector<Option> options = command.options;
  options.push_back({"--quiet", "", ""});
  options.push_back({"--log-level", "LEVEL", ""});
  Arguments parsed;
  for (std::size_t i = 1; i < args.size(); ++i) {
    if (args[i].rfind("--", 0) != 0) {
      parsed.positional.push_back(args[i]);
      continue;
    }
    const std::size_t equals = args[i].find('=');
    const std::string name = args[i].substr(0, equals);
    const auto option = std::find_if(options.begin(), options.end(), [&](const Option& one) { return one.name == name; });
    if (option == options.end()) {
      const auto near = nearest_option(name, options);
      throw ConfigError("unknown option '" + name + "'" + (near ? "; did you mean '" + *near + "'?" : "") +
                        " (see: " + command.usage + " --help)");
    }
    auto& values = parsed.values[name];
    if (option->value.empty()) {
      if (equals != std::string::npos) throw ConfigError("option '" + name + "' takes no value");
    } else if (equals != std::string::npos) {
      values.push_back(args[i].substr(equals + 1));
    } else if (i + 1 < args.size()) {
      values.push_back(args[++i]);
    } else {
      throw ConfigError("option '" + name + "' needs a value: " + name + " " + option->value);
    }
  }
  if (parsed.positional.size() != command.positional) {
    throw ConfigError("wrong number of arguments (" + std::to_string(parsed.positional.size()) +
                      "); usage: " + command.usage);
  }
  return parsed;
}

void print_help(const Command& command, std::ostream& out) {
  out << "usage: " << command.usage << " [options]\n\n" << command.summary << "\n\n";
  for (const auto& option : command.options) {
    out << "  " << std::left << std::setw(28) << (option.name + (option.value.empty() ? "" : " " + option.value))
        << option.help << "\n";
  }
}

void print_overview(std::ostream& out) {
  out << "usage: temper plugins list|describe|check|new ...\n\n";
  for (const auto& command : commands())
    out << "  " << std::left << std::setw(32) << command.usage << command.summary << "\n";
}

PluginHost load(const Arguments& args) { return load_plugins(plugin_folders(args.list("--plugin-path"))); }

Json json_of(const ParamValue& value) {
  return std::visit([](const auto& one) { return Json(one); }, value);
}

Json json_of(const ParamSpec& spec) {
  Json json = {{"name", spec.name}, {"type", std::string(to_string(spec.type))}, {"required", spec.required}};
  if (!spec.required) json["default"] = json_of(spec.default_value);
  if (spec.min) json["min"] = *spec.min;
  if (spec.max) json["max"] = *spec.max;
  if (!spec.choices.empty()) json["choices"] = spec.choices;
  if (!spec.refers_to.empty()) json["refers_to"] = spec.refers_to;
  json["unit"] = spec.unit;
  json["doc"] = spec.doc;
  return json;
}

Json parameters_of(const Registration& plugin) {
  Json parameters = Json::array();
  for (const auto& spec : plugin.specs) parameters.push_back(json_of(spec));
  return parameters;
}

int list(const Arguments& args, std::ostream& out) {
  const bool json = args.json();
  const PluginHost host = load(args);
  if (json) {
    Json plugins = Json::array(), failures = Json::array();
    for (const Registration* one : host.registry.list()) {
      const PluginInfo& info = host.registry.origin(one->kind, one->id);
      plugins.push_back({{"kind", one->kind},
                         {"id", one->id},
                         {"version", info.version},
                         {"summary", one->summary},
                         {"path", info.path.string()},
                         {"source", info.source},
                         {"parameters", parameters_of(*one)}});
    }
    for (const auto& failure : host.failures)
      failures.push_back({{"file", failure.file.string()}, {"message", failure.message}});
    out << Json{{"plugins", plugins}, {"failures", failures}}.dump(2) << "\n";
    return 0;
  }
  std::size_t widths[3] = {4, 2, 7};
  for (const Registration* one : host.registry.list()) {
    widths[0] = std::max(widths[0], one->kind.size());
    widths[1] = std::max(widths[1], one->id.size());
    widths[2] = std::max(widths[2], host.registry.origin(one->kind, one->id).version.size());
  }
  const auto row = [&](const std::string& kind, const std::string& id, const std::string& version, const std::string& text) {
    out << std::left << std::setw(static_cast<int>(widths[0]) + 2) << kind << std::setw(static_cast<int>(widths[1]) + 2)
        << id << std::setw(static_cast<int>(widths[2]) + 2) << version << text << "\n";
  };
  row("KIND", "ID", "VERSION", "SUMMARY");
  for (const Registration* one : host.registry.list()) {
    row(one->kind, one->id, host.registry.origin(one->kind, one->id).version, one->summary);
  }
  if (host.registry.list().empty()) out << "(no plugins found; give a folder with --plugin-path or TEMPER_PLUGIN_PATH)\n";
  if (!host.failures.empty()) out << "\nnot loaded:\n";
  for (const auto& failure : host.failures) out << "  " << failure.file.string() << ": " << failure.message << "\n";
  return 0;
}

/// The one plugin with this id, of the kind asked for if several kinds have it.
const Registration& pick(const Registry& registry, const std::string& id, const std::string& kind) {
  if (!kind.empty()) return registry.find(kind, id);
  std::vector<const Registration*> found;
  std::vector<std::string> ids;
  std::string kinds;
  for (const Registration* one : registry.list()) {
    ids.push_back(one->id);
    if (one->id != id) continue;
    found.push_back(one);
    kinds += (kinds.empty() ? "" : ", ") + one->kind;
  }
  if (found.size() == 1) return *found.front();
  if (found.size() > 1)
    throw ConfigError("several kinds have a plugin '" + id + "' (" + kinds + "); choose one with --kind");
  for (const auto& each : template_kinds()) registry.explain_failure(each, id);
  const auto near = nearest_name(id, ids);
  throw ConfigError("there is no plugin '" + id + "'" +
                    (near ? "; did you mean '" + *near + "'?" : "; `temper plugins list` shows all"));
}

int describe(const Arguments& args, std::ostream& out) {
  const bool json = args.json();
  const PluginHost host = load(args);
  const Registration& plugin = pick(host.registry, args.positional[0], args.get("--kind", ""));
  const PluginInfo& info = host.registry.origin(plugin.kind, plugin.id);
  if (json) {
    out << Json{{"kind", plugin.kind},
                {"id", plugin.id},
                {"version", info.version},
                {"summary", plugin.summary},
                {"path", info.path.string()},
                {"source", info.source},
                {"sha256", info.sha256()},
                {"abi_tag", info.abi_tag},
                {"parameters", parameters_of(plugin)}}
               .dump(2)
        << "\n";
    return 0;
  }
  out << "# " << plugin.kind << " " << plugin.id << " " << info.version << "\n\n" << plugin.summary << "\n\n";
  if (plugin.specs.empty()) {
    out << "It has no parameters.\n";
  } else {
    out << describe_plugin_table(plugin);
  }
  out << "\nFile: " << info.path.string() << " (source: " << info.source << ")\n";
  return 0;
}

std::uint64_t whole_number(const Arguments& args, const std::string& name, std::uint64_t otherwise, std::uint64_t low,
                           std::uint64_t high) {
  if (!args.has(name)) return otherwise;
  const std::string text = args.get(name, "");
  const bool digits = !text.empty() && text.size() < 19 && text.find_first_not_of("0123456789") == std::string::npos;
  const std::uint64_t value = digits ? std::stoull(text) : 0;
  if (digits && value >= low && value <= high) return value;
  throw ConfigError(name + " = " + text + ": must be a whole number from " + std::to_string(low) + " to " +
                    std::to_string(high));
}

CheckOptions check_options(const Arguments& args) {
  CheckOptions options;
  options.level = static_cast<int>(whole_number(args, "--level", 2, 1, 3));
  options.seed = whole_number(args, "--seed", 1, 0, 999999999999999999);
  options.timeout_seconds = static_cast<double>(whole_number(args, "--timeout", 60, 1, 86400));
  options.only = args.get("--only", "");
  options.in_process = args.has("--in-process");
  for (const auto& pair : args.list("--set")) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) throw ConfigError("--set = " + pair + ": must be NAME=VALUE");
    options.values[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  if (options.only.empty()) return options;
  std::vector<std::string> ids = {"library.opens"};
  for (const auto& check : conformance_checks()) ids.push_back(check.id);
  const bool known = std::any_of(ids.begin(), ids.end(), [&](const auto& id) { return id.rfind(options.only, 0) == 0; });
  if (known) return options;
  const auto near = nearest_name(options.only, ids);
  throw ConfigError("--only = " + options.only + ": there is no such check" +
                    (near ? "; did you mean '" + *near + "'?" : ""));
}

int check(const Arguments& args, std::ostream& out) {
  const bool json = args.json();
  const fs::path file = args.positional[0];
  if (!fs::is_regular_file(file)) throw ConfigError("there is no plugin file '" + file.string() + "'");
  const CheckOptions options = check_options(args);
  check_plugin_path_safety(file);
  try {
    check_abi(file);
  } catch (const PluginError& error) {
    throw PluginError("'" + file.string() + "' was not checked, because it cannot be loaded: " + error.what());
  }
  std::map<Outcome::Kind, int> counts;
  Json reports = Json::array();
  check_plugin(file, options, [&](const CheckReport& report) {
    ++counts[report.outcome.kind];
    if (json) {
      reports.push_back({{"check", report.check},
                         {"kind", report.kind},
                         {"id", report.id},
                         {"sentence", report.sentence},
                         {"outcome", to_string(report.outcome.kind)},
                         {"text", report.outcome.text},
                         {"seconds", report.seconds}});
      return;
    }
    out << to_string(report.outcome.kind) << "  " << std::left << std::setw(28) << report.check << " " << report.sentence
        << "\n";
    if (!report.outcome.text.empty()) out << "      " << report.outcome.text << "\n";
    out.flush();
  });
  const int failed = counts[Outcome::Kind::kFail];
  if (json) {
    out << Json{{"file", file.string()}, {"seed", options.seed}, {"failed", failed}, {"checks", reports}}.dump(
               2, ' ', false, Json::error_handler_t::replace)
        << "\n";
  } else {
    out << counts[Outcome::Kind::kPass] << " passed, " << counts[Outcome::Kind::kWarn] << " warned, "
        << counts[Outcome::Kind::kSkip] << " skipped, " << failed << " failed (seed " << options.seed << ")\n";
  }
  return failed == 0 ? 0 : 4;
}

int create(const Arguments& args, std::ostream& out) {
  const fs::path folder = write_new_plugin(args.positional[0], args.positional[1], args.get("--out", "."));
  out << "wrote " << folder.string() << "\nbuild and check it:\n  cmake -S " << folder.string() << " -B " << folder.string()
      << "/build && cmake --build " << folder.string() << "/build && ctest --test-dir " << folder.string() << "/build\n";
  return 0;
}

int dispatch(const std::vector<std::string>& args, std::ostream& out) {
  const auto asks_help = [](const std::string& text) { return text == "--help" || text == "-h"; };
  if (args.empty()) {
    print_overview(out);
    return 2;
  }
  if (asks_help(args[0])) {
    print_overview(out);
    return 0;
  }
  std::vector<std::string> names;
  for (const auto& command : commands()) {
    names.push_back(command.name);
    if (command.name != args[0]) continue;
    if (std::any_of(args.begin() + 1, args.end(), asks_help)) {
      print_help(command, out);
      return 0;
    }
    const Arguments parsed = parse(command, args);
    if (args[0] == "list") return list(parsed, out);
    if (args[0] == "describe") return describe(parsed, out);
    if (args[0] == "check") return check(parsed, out);
    return create(parsed, out);
  }
  const auto near = nearest_name(args[0], names);
  throw ConfigError("unknown command 'plugins " + args[0] + "'" + (near ? "; did you mean '" + *near + "'?" : "") +
                    " There are: list, describe, check, new");
}

}  // namespace

int plugins_command(const std::vector<std::string>& args, std::ostream& out, std::ostream& err) {
  try {
    return dispatch(args, out);
  } catch (const Error& error) {
    err << "temper: " << error.what() << "\n";
    return error.exit_code();
  }
}

}  // namespace temper
