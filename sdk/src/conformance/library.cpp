// Checks of a plugin library as a file and guest in the process, for every kind.
#include <algorithm>
#include <set>

#include "checks.h"

namespace temper::conformance {
namespace {

bool valid_id(const std::string& id) {
  return !id.empty() && id[0] >= 'a' && id[0] <= 'z' && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

Outcome tag_equal(const Subject& subject) {
  if (subject.plugin.file_tag.empty()) return Outcome::fail("the file's bytes hold no ABI tag");
  if (subject.plugin.file_tag != subject.plugin.abi_tag) {
    return Outcome::fail("the file's bytes hold the tag '" + subject.plugin.file_tag + "', its descriptor '" +
                         subject.plugin.abi_tag + "'");
  }
  return Outcome::pass();
}

Outcome descriptor(const Subject& subject) {
  if (!valid_id(subject.plugin.id)) {
    return Outcome::fail("the descriptor's id is '" + subject.plugin.id + "'; use [a-z][a-z0-9_]*");
  }
  if (subject.plugin.version.empty()) return Outcome::fail("the descriptor has no version");
  if (subject.plugin.source.empty()) return Outcome::fail("the descriptor has no source; write \"unknown\" if it is");
  return Outcome::pass();
}

Outcome registrations(const Subject& subject) {
  std::set<std::pair<std::string, std::string>> seen;
  for (const auto& one : subject.plugin.registrations) {
    if (!valid_id(one.id)) return Outcome::fail("it registers the id '" + one.id + "'; use [a-z][a-z0-9_]*");
    if (one.summary.empty()) return Outcome::fail("it registers '" + one.id + "' without a summary");
    if (!seen.insert({one.kind, one.id}).second)
      return Outcome::fail("it registers " + one.kind + " '" + one.id + "' twice");
  }
  return Outcome::pass();
}

Outcome quick(const Subject& subject) {
  const double milliseconds = subject.plugin.facts.seconds * 1000;
  if (milliseconds < 200) return Outcome::pass();
  const std::string text = "opening it took " + std::to_string(static_cast<int>(milliseconds)) + " ms; 200 are allowed";
  // A busy machine alone can take a second; what takes longer does work that belongs into the plugin's methods.
  return milliseconds < 1000 ? Outcome::warn(text) : Outcome::fail(text);
}

Outcome quiet(const Subject& subject) {
  const auto& output = subject.plugin.facts.output;
  return output.empty() ? Outcome::pass() : Outcome::fail("opening it printed '" + output.substr(0, 200) + "'");
}

Outcome threads(const Subject& subject) {
  const int started = subject.plugin.facts.threads_started;
  return started == 0 ? Outcome::pass() : Outcome::fail("opening it started " + std::to_string(started) + " thread(s)");
}

Outcome globals(const Subject& subject) {
  const auto& facts = subject.plugin.facts;
  if (facts.rng_changed) return Outcome::fail("opening it changed the state of LibTorch's random generator");
  if (facts.num_threads_changed) return Outcome::fail("opening it changed LibTorch's number of threads");
  if (facts.dtype_changed) return Outcome::fail("opening it changed LibTorch's default dtype");
  return Outcome::pass();
}

}  // namespace

void add_library_checks(std::vector<Check>& checks) {
  checks.push_back({"library.tag", "", 1, "The ABI tag in the file's bytes is that of its descriptor.", tag_equal});
  checks.push_back({"library.descriptor", "", 1, "Id, version and source in the descriptor are filled in.", descriptor});
  checks.push_back({"library.registrations", "", 1, "Ids are valid and unique, and each has a summary.", registrations});
  checks.push_back({"library.quick", "", 1, "Opening the library takes less than 200 ms.", quick});
  checks.push_back({"library.quiet", "", 1, "Opening the library prints nothing.", quiet});
  checks.push_back({"library.threads", "", 1, "Opening the library starts no thread.", threads});
  checks.push_back(
      {"library.globals", "", 1, "Opening the library leaves seed, thread count and default dtype alone.", globals});
}

}  // namespace temper::conformance
