// `temper cache`: what stages and evaluations are kept for other runs, whether it is whole, and making room.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "host/cli/commands.h"
#include "host/cli/options.h"
#include "host/run/stage_cache.h"
#include "temper/error.h"
#include "temper/params.h"

namespace temper {
namespace po = boost::program_options;
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
namespace {

std::string size_text(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) / 1e6);
  return text;
}

std::string state_of(const CacheEntry& entry) {
  if (entry.running) return "running";
  if (!entry.complete) return entry.status == "damaged" ? "damaged" : "unfinished";
  return entry.status.empty() ? "complete" : entry.status;
}

int list(const StageCache& cache, bool json) {
  const auto entries = cache.list();
  if (json) {
    Json rows = Json::array();
    for (const auto& e : entries) {
      rows.push_back({{"key", e.key},
                      {"kind", e.kind},
                      {"stage", e.stage},
                      {"plugin", e.plugin},
                      {"state", state_of(e)},
                      {"experiment", e.experiment},
                      {"run_id", e.run_id},
                      {"created", e.created},
                      {"seconds", e.seconds},
                      {"bytes", e.bytes},
                      {"users", e.users}});
    }
    std::printf("%s\n", Json{{"entries", rows}}.dump(2).c_str());
    return 0;
  }
  std::uint64_t bytes = 0;
  std::size_t evaluations = 0;
  std::printf("%-14s %-18s %-14s %-11s %10s %9s  %s\n", "key", "stage", "plugin", "state", "size", "seconds", "used by");
  for (const auto& e : entries) {
    bytes += e.bytes;
    if (e.kind != "stage") {
      ++evaluations;
      continue;
    }
    std::string users;
    for (std::size_t i = 0; i < e.users.size() && i < 2; ++i) users += (i > 0 ? ", " : "") + e.users[i];
    if (e.users.size() > 2) users += " and " + std::to_string(e.users.size() - 2) + " more";
    std::printf("%-14s %-18s %-14s %-11s %10s %9.1f  %s\n", e.key.substr(0, 12).c_str(), e.stage.c_str(), e.plugin.c_str(),
                state_of(e).c_str(), size_text(e.bytes).c_str(), e.seconds, users.empty() ? "no run" : users.c_str());
  }
  std::printf("%zu stages and %zu evaluations, %s\n", entries.size() - evaluations, evaluations, size_text(bytes).c_str());
  return 0;
}

int verify(const StageCache& cache) {
  int damaged = 0;
  for (const auto& entry : cache.list()) {
    if (entry.kind != "stage" || entry.running || (!entry.complete && entry.status != "damaged")) continue;
    const std::string fault = cache.verify_stage(entry.key);
    if (fault.empty()) continue;
    ++damaged;
    std::printf("%s %s: %s\n", entry.key.substr(0, 12).c_str(), entry.stage.c_str(), fault.c_str());
  }
  if (damaged == 0) {
    std::printf("every entry is whole\n");
    return 0;
  }
  throw DataError(std::to_string(damaged) +
                  " entries of the cache are damaged; they are computed again when a run needs "
                  "them, or remove them with `temper cache prune --damaged`");
}

/// Days since an entry was completed, at least 0: the clock may have been set back since. One that is not complete is old.
double age_in_days(const CacheEntry& entry) {
  std::tm utc{};
  if (strptime(entry.created.c_str(), "%Y-%m-%dT%H:%M:%SZ", &utc) == nullptr) return 1e9;
  return std::max(0.0, std::difftime(std::time(nullptr), timegm(&utc)) / 86400);
}

int prune(const StageCache& cache, const ParsedOptions& options) {
  const bool all = options.has("all"), damaged_only = options.has("damaged"), dry = options.has("dry-run");
  const double days = options.get<double>("older-than");
  std::uint64_t bytes = 0;
  std::size_t removed = 0;
  for (const auto& entry : cache.list()) {
    if (entry.running || age_in_days(entry) < days) continue;
    const bool is_damaged =
        entry.kind == "stage" && entry.complete && damaged_only && !cache.verify_stage(entry.key).empty();
    const bool goes =
        damaged_only ? is_damaged || entry.status == "damaged" : all || (entry.kind == "stage" && entry.users.empty());
    if (!goes || (!dry && !cache.remove(entry))) continue;
    ++removed;
    bytes += entry.bytes;
    std::printf("%s %s %s %s\n", dry ? "would remove" : "removed", entry.kind.c_str(), entry.key.substr(0, 12).c_str(),
                entry.stage.c_str());
  }
  std::printf("%s%zu entries, %s\n", dry ? "would remove " : "removed ", removed, size_text(bytes).c_str());
  return 0;
}

}  // namespace

int cache_command(const std::vector<std::string>& args) {
  po::options_description own;
  own.add_options()("out", po::value<std::string>()->default_value("results"), "folder of the records; the cache is in it")(
      "format", po::value<std::string>()->default_value("text"), "of list: text or json")(
      "all", "prune: also what runs share (they keep their checkpoints) and evaluations")(
      "damaged", "prune: only entries that are damaged")("older-than", po::value<double>()->default_value(0),
                                                         "prune: only entries of at least so many days")(
      "dry-run", "prune: only say what would be removed");
  const auto options = parse_options(args,
                                     {"temper cache list|verify|prune [options]",
                                      "Stages and evaluations that runs share: what there is and who uses it, whether it is "
                                      "whole, and removing what no run uses."},
                                     own, 1, 1);
  if (options.help_shown) return 0;
  const bool json = wants_json(options);
  const StageCache cache(fs::path(options.get<std::string>("out")) / "cache");
  const std::string& what = options.positional[0];
  if (what == "list") return list(cache, json);
  if (what == "verify") return verify(cache);
  if (what == "prune") return prune(cache, options);
  const auto nearest = nearest_name(what, {"list", "verify", "prune"});
  throw ConfigError("temper cache has no '" + what + "'" + (nearest ? "; did you mean '" + *nearest + "'?" : "") +
                    " There are: list, verify, prune");
}

}  // namespace temper
