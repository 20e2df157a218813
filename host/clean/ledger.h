// Reading ledgers back: totals for `temper data stats`, one document's story, and samples of what was dropped or edited.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "host/clean/summary.h"

namespace temper::clean {

/// Every row of a ledger (plain, or packed with gzip). Throws DataError with file and line for a row that is none.
void read_ledger(const std::filesystem::path& path, const std::function<void(const nlohmann::ordered_json&)>& row);

struct Sample {
  std::string id, source, reason, excerpt;
};
struct LedgerStats {
  Summary summary;
  std::map<std::string, std::vector<Sample>> samples;  ///< of drops, by filter
};
/// Samples are spread over the ledger: of each filter those whose id hashes lowest, so they are the same every time.
LedgerStats ledger_stats(const std::filesystem::path& path, std::size_t samples);

/// What happened to a document, for people. A filter's line says verdict, reason, score, and what was found where.
std::string story_of(const nlohmann::ordered_json& row);

}  // namespace temper::clean
