// The parameters of one plugin as people read them, from the same table that validates experiments. Called by the CLI
// (`temper plugins describe ID`, --help) and by the test that compares plugin READMEs with the code.
#pragma once

#include <string>

#include "temper/registrar.h"

namespace temper {

/// A Markdown table, one row a parameter: name, type, default, allowed, unit, meaning. Ends with a line break.
std::string describe_plugin_table(const Registration& plugin);

/// The same for a terminal, wrapped at `width` characters.
std::string describe_plugin_text(const Registration& plugin, std::size_t width = 100);

}  // namespace temper
