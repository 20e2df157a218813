// `temper plugins list|describe|check|new`: what is there, what it takes, whether it keeps the contract, and a start for an
// own one. Called by the program's main; errors become one line on `err` and the documented exit code.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace temper {

/// Arguments after "plugins". Returns 0, 2 (usage), 3 (data) or 4 (a plugin is at fault).
int plugins_command(const std::vector<std::string>& args, std::ostream& out, std::ostream& err);

}  // namespace temper
