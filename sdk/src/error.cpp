// Error types: out of line, so that host and plugins share one type_info and can catch each other's errors by type.
#include "temper/error.h"

namespace temper {

Error::Error(const std::string& message, int exit_code) : std::runtime_error(message), exit_code_(exit_code) {}
Error::~Error() = default;
ConfigError::ConfigError(const std::string& message) : Error(message, 2) {}
ConfigError::~ConfigError() = default;
DataError::DataError(const std::string& message) : Error(message, 3) {}
DataError::~DataError() = default;
PluginError::PluginError(const std::string& message) : Error(message, 4) {}
PluginError::~PluginError() = default;
Cancelled::Cancelled(const std::string& message) : Error(message, 130) {}
Cancelled::~Cancelled() = default;

}  // namespace temper
