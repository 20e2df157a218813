// Command-line options on Boost.Program_options: guessing off, suggestions on, --help from the same table, and the options
// that every command has. Used by each command's file.
#pragma once

#include <c10/core/Device.h>

#include <boost/program_options.hpp>
#include <string>
#include <vector>

#include "host/plugin/loader.h"
#include "host/util/progress.h"

namespace temper {

struct CommandHelp {
  std::string usage;    ///< "temper run EXPERIMENT.yaml [options]"
  std::string summary;  ///< one or two sentences
};

/// What a command line gave. `help_shown` means: return 0 at once.
struct ParsedOptions {
  boost::program_options::variables_map values;
  std::vector<std::string> positional;
  bool help_shown = false;

  bool has(const std::string& name) const { return values.count(name) > 0; }
  template <class T>
  T get(const std::string& name) const {
    return values[name].template as<T>();
  }
  std::vector<std::string> list(const std::string& name) const {
    return has(name) ? get<std::vector<std::string>>(name) : std::vector<std::string>{};
  }
};

/// Adds --help, --quiet, --log-level and --plugin-path. Throws ConfigError for anything that is not an option or value.
ParsedOptions parse_options(const std::vector<std::string>& args, const CommandHelp& help,
                            const boost::program_options::options_description& own, std::size_t min_positional,
                            std::size_t max_positional);

/// The option "format", which has to be text or json.
bool wants_json(const ParsedOptions& options);
ProgressStyle progress_style(const ParsedOptions& options);
/// Adds --device, for commands that compute with a model.
void add_device_option(boost::program_options::options_description& own);
/// The device that it names, opened; the CPU without it.
c10::Device device_of(const ParsedOptions& options);
/// The plugins that the command line and the environment give.
PluginHost load_host(const ParsedOptions& options);

}  // namespace temper
