// The errors that end a run, and the exit code each one gives. Thrown by plugins and host alike; caught in host/cli.
// A message is one or two sentences with what was wrong, the value found, what is allowed, and how to fix it.
// Expected outcomes (end of data, an absent capability, early stop, divergence) are return values, never exceptions.
#pragma once

#include <stdexcept>
#include <string>

#define TEMPER_API __attribute__((visibility("default")))

namespace temper {

/// Base of all of temper's errors. `exit_code()` is what the program ends with.
class TEMPER_API Error : public std::runtime_error {
 public:
  Error(const std::string& message, int exit_code);
  ~Error() override;
  int exit_code() const noexcept { return exit_code_; }

 private:
  int exit_code_;
};

/// The user can fix it in the experiment file or on the command line. Exit code 2.
class TEMPER_API ConfigError : public Error {
 public:
  explicit ConfigError(const std::string& message);
  ~ConfigError() override;
};

/// A file is missing, damaged, of the wrong format, or empty. Exit code 3.
class TEMPER_API DataError : public Error {
 public:
  explicit DataError(const std::string& message);
  ~DataError() override;
};

/// A plugin cannot be loaded or broke its contract. Exit code 4.
class TEMPER_API PluginError : public Error {
 public:
  explicit PluginError(const std::string& message);
  ~PluginError() override;
};

/// The user asked to stop; everything made so far is on disk. Exit code 130.
class TEMPER_API Cancelled : public Error {
 public:
  explicit Cancelled(const std::string& message);
  ~Cancelled() override;
};

}  // namespace temper
