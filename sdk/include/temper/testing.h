// Conformance: what every plugin of a kind has to do, as a list of checks that are data, not test cases. `temper plugins
// check FILE`, CTest and an author's own test.cpp use the same list. Each check runs in a child process with a time limit,
// so that a crash is an outcome and not the end. Link temper::conformance.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "temper/dataset.h"
#include "temper/filter.h"
#include "temper/params.h"
#include "temper/registrar.h"

namespace temper {

/// What a check found. kSkip: does not apply, or needs something that was not given; the text says which.
struct Outcome {
  enum class Kind { kPass, kWarn, kSkip, kFail };
  Kind kind = Kind::kPass;
  std::string text;

  static Outcome pass() { return {}; }
  static Outcome warn(std::string why) { return {Kind::kWarn, std::move(why)}; }
  static Outcome skip(std::string why) { return {Kind::kSkip, std::move(why)}; }
  static Outcome fail(std::string why) { return {Kind::kFail, std::move(why)}; }
};
std::string to_string(Outcome::Kind kind);

/// What opening the library did to the process around it.
struct LoadFacts {
  double seconds = 0;
  std::string output;  ///< what it printed
  int threads_started = 0;
  bool rng_changed = false, num_threads_changed = false, dtype_changed = false;
};

/// An opened plugin library. It stays open for the process.
struct OpenedPlugin {
  std::filesystem::path file;
  std::string id, version, source, abi_tag;
  std::string file_tag;  ///< the tag as found in the file's bytes
  std::vector<Registration> registrations;
  LoadFacts facts;

  /// nullptr if there is none.
  const Registration* find(std::string_view kind, std::string_view id) const;
  /// One instance; throws PluginError if the plugin does not register `id` for this interface.
  template <class Interface>
  std::unique_ptr<Interface> make(const std::string& wanted, const ParamValues& values,
                                  const typename Interface::Args& args) const {
    const Registration* registration = find(Interface::kKind, wanted);
    if (registration == nullptr) throw PluginError("'" + file.string() + "' registers no such plugin: '" + wanted + "'");
    return static_cast<const FactoryOf<Interface>&>(*registration->factory).make(values, args);
  }
};

/// Opens a library without looking at its ABI tag: only for files just built, or after the host has compared the tags.
/// Throws PluginError.
OpenedPlugin open_plugin(const std::filesystem::path& file);

/// Values for one registration: defaults, over them `given` (parameter name to text). Throws ConfigError.
ParamValues values_from_text(const std::vector<ParamSpec>& specs, const std::map<std::string, std::string>& given);

/// A filter on documents in memory: a result each, as the host would get it. Throws PluginError for a filter that has none
/// or both of the capabilities.
std::vector<FilterResult> run_filter(Filter& filter, const std::vector<Document>& documents);
/// The documents that stay, edited, in their order.
std::vector<Document> filtered(const std::vector<Document>& documents, const std::vector<FilterResult>& results);

/// What a check looks at: one registration of one library.
struct Subject {
  const OpenedPlugin& plugin;
  const Registration& registration;
  ParamValues values;                ///< defaults, over them the tiny preset and the values given
  std::vector<std::string> missing;  ///< required parameters without a given value
  std::uint64_t seed = 1;
};

struct Check {
  std::string id;    ///< "architecture.causal"
  std::string kind;  ///< of plugins it is for; "" is all
  int level = 1;     ///< 1 is quick, 2 takes seconds, 3 longer
  std::string sentence;
  std::function<Outcome(const Subject&)> run;
};

/// Every check, in the order in which they run.
const std::vector<Check>& conformance_checks();

struct CheckOptions {
  int level = 2;
  std::string only;  ///< one check's id, or the start of several
  bool in_process = false;
  std::uint64_t seed = 1;
  double timeout_seconds = 60;
  std::map<std::string, std::string> values;  ///< parameter name to text, for required parameters
};

struct CheckReport {
  std::string check, kind, id, sentence;
  Outcome outcome;
  double seconds = 0;
};

/// Runs the checks on everything the library registers. A library that cannot be opened is one failed report.
std::vector<CheckReport> check_plugin(const std::filesystem::path& file, const CheckOptions& options,
                                      const std::function<void(const CheckReport&)>& on_report = {});

}  // namespace temper
