// Command-line options (see options.h).
#include "host/cli/options.h"

#include <cstdio>
#include <sstream>

#include "host/device/device.h"
#include "temper/error.h"
#include "temper/params.h"

namespace temper {
namespace po = boost::program_options;

ParsedOptions parse_options(const std::vector<std::string>& args, const CommandHelp& help,
                            const po::options_description& own, std::size_t min_positional, std::size_t max_positional) {
  po::options_description all("Options");
  for (const auto& option : own.options()) all.add(option);
  all.add_options()("help", "show this text")("quiet", "no progress, only results and errors")(
      "log-level", po::value<std::string>()->default_value("info"), "error or info")(
      "plugin-path", po::value<std::vector<std::string>>()->composing(), "further folder with plugins; may be repeated");
  po::options_description hidden;
  hidden.add(all).add_options()("positional", po::value<std::vector<std::string>>(), "");
  po::positional_options_description positions;
  positions.add("positional", -1);
  ParsedOptions parsed;
  try {
    const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(args).options(hidden).positional(positions).style(style).run(), parsed.values);
    po::notify(parsed.values);
  } catch (const po::unknown_option& error) {
    std::vector<std::string> names;
    for (const auto& option : all.options()) names.push_back("--" + option->long_name());
    const auto suggestion = nearest_name(error.get_option_name(), names);
    throw ConfigError("unknown option '" + error.get_option_name() + "'" +
                      (suggestion ? "; did you mean '" + *suggestion + "'?" : "") + " (see: " + help.usage + ")");
  } catch (const po::error& error) {
    throw ConfigError(std::string(error.what()) + " (see: " + help.usage + ")");
  }
  if (parsed.has("help")) {
    std::ostringstream options;
    options << all;
    std::printf("usage: %s\n\n%s\n\n%s", help.usage.c_str(), help.summary.c_str(), options.str().c_str());
    parsed.help_shown = true;
    return parsed;
  }
  parsed.positional = parsed.list("positional");
  if (parsed.positional.size() < min_positional || parsed.positional.size() > max_positional) {
    throw ConfigError("wrong number of arguments (" + std::to_string(parsed.positional.size()) + "); usage: " + help.usage);
  }
  const auto level = parsed.get<std::string>("log-level");
  if (level != "info" && level != "error") throw ConfigError("log-level = " + level + ": must be error or info");
  return parsed;
}

bool wants_json(const ParsedOptions& options) {
  const auto format = options.get<std::string>("format");
  if (format != "text" && format != "json") throw ConfigError("format = " + format + ": must be text or json");
  return format == "json";
}

ProgressStyle progress_style(const ParsedOptions& options) {
  return progress_style(options.has("quiet") || options.get<std::string>("log-level") == "error");
}

void add_device_option(po::options_description& own) {
  own.add_options()("device", po::value<std::string>()->default_value("cpu"), "cpu, cuda or cuda:N");
}

c10::Device device_of(const ParsedOptions& options) { return open_device(options.get<std::string>("device")); }

PluginHost load_host(const ParsedOptions& options) { return load_plugins(plugin_folders(options.list("plugin-path"))); }

}  // namespace temper
