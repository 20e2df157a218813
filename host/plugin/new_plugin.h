// `temper plugins new KIND NAME`: writes a complete plugin project outside temper's tree, from the templates that were built
// into the program (sdk/template). Called by plugins_command.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace temper {

/// Kinds there is a template for: all of them.
std::vector<std::string> template_kinds();

/// Writes `parent`/NAME/ and returns it. Throws ConfigError: unknown kind, bad name, or a folder that is there already.
std::filesystem::path write_new_plugin(const std::string& kind, const std::string& name,
                                       const std::filesystem::path& parent);

}  // namespace temper
