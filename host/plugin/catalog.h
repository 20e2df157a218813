// What plugins there are, as the rest of the host sees it: enough to validate an experiment without knowing how plugins
// are loaded. Implemented by Registry (registry.h) and by small fakes in tests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "temper/registrar.h"

namespace temper {

class PluginCatalog {
 public:
  virtual ~PluginCatalog() = default;
  /// nullptr if there is none. Throws PluginError if a file of that name is there but could not be loaded, and says why.
  virtual const Registration* lookup(std::string_view kind, std::string_view id) const = 0;
  virtual std::vector<std::string> ids(std::string_view kind) const = 0;
};

}  // namespace temper
