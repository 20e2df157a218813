// `temper report`: one HTML page about a run, several runs, or a sweep, that needs nothing else: no network, no script, no
// font; also the page of a cleaning. Numbers come from host/compare; this folder reads, arranges and draws.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/clean/ledger.h"

namespace temper {

struct ReportOptions {
  std::vector<std::filesystem::path> paths;  ///< records, folders of records, sweeps
  std::string metric;                        ///< regular expression: what "best" means; "": chosen, and said
  std::string baseline;                      ///< column; "": the first
  std::string by;                            ///< stage, run or a key; "": stage, or the axes of a sweep
  bool intersect = false;
};

/// Throws ConfigError for an unknown metric or baseline, DataError for records that are missing or cannot be compared.
std::string render_report(const ReportOptions& options);

/// `temper data stats --html`: what a cleaning took, with plots and samples.
std::string render_cleaning(const std::string& title, const clean::LedgerStats& stats);

}  // namespace temper
