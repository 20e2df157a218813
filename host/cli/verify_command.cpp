// `temper verify`: what is intact of what temper wrote, and what is not. Reads only.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "host/cli/commands.h"
#include "host/cli/options.h"
#include "host/verify/verify.h"
#include "temper/error.h"

namespace temper {
namespace po = boost::program_options;
using Json = nlohmann::ordered_json;
namespace {

const char* state_word(Soundness state) {
  switch (state) {
    case Soundness::kIntact:
      return "intact";
    case Soundness::kUnfinished:
      return "unfinished";
    case Soundness::kDamaged:
      return "damaged";
    case Soundness::kMissing:
      return "missing";
  }
  return "";
}

void print_findings(const std::vector<Finding>& found, std::size_t faults, bool json, bool quiet) {
  if (json) {
    Json rows = Json::array();
    for (const auto& one : found) {
      rows.push_back(
          {{"state", state_word(one.state)}, {"kind", one.kind}, {"path", one.path.string()}, {"reason", one.reason}});
    }
    std::printf(
        "%s\n",
        Json{{"intact", faults == 0}, {"findings", rows}}.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
    return;
  }
  for (const auto& one : found) {
    if (quiet && !is_fault(one)) continue;
    std::printf("%-11s %-18s %s%s%s\n", state_word(one.state), one.kind.c_str(), one.path.c_str(),
                one.reason.empty() ? "" : ": ", one.reason.c_str());
  }
  if (faults == 0) std::printf("checked %zu, all intact\n", found.size());
}

}  // namespace

int verify_command(const std::vector<std::string>& args) {
  po::options_description own;
  own.add_options()("format", po::value<std::string>()->default_value("text"), "text or json");
  const auto options = parse_options(
      args,
      {"temper verify PATH... [options]",
       "Says of records, runs, sweeps, checkpoint folders and cache entries (or a folder with any of these) whether they "
       "are\n"
       "as they were written: one line each, with --quiet only for what is not. Reads only and repairs nothing. What is\n"
       "unfinished, such as a stopped run, is no fault. Exit code 3 if anything is damaged or missing."},
      own, 1, 100000);
  if (options.help_shown) return 0;
  const bool json = wants_json(options);
  std::vector<Finding> found;
  for (const auto& path : options.positional) {
    auto more = verify(path);
    std::move(more.begin(), more.end(), std::back_inserter(found));
  }
  const auto faults = static_cast<std::size_t>(std::count_if(found.begin(), found.end(), is_fault));
  print_findings(found, faults, json, options.has("quiet"));
  if (faults == 0) return 0;
  throw DataError(std::to_string(faults) + " of " + std::to_string(found.size()) +
                  " are damaged or missing; restore them from a copy, or compute them again: `temper cache prune --damaged` "
                  "makes way in a cache, a run or sweep begins anew under another name or in another folder");
}

}  // namespace temper
