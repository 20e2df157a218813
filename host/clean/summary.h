// What a cleaning did, in numbers: per filter and in all. Kept in the work folder while it runs, in summary.json beside the
// cleaned texts, in the record of an experiment, and counted again from a ledger by `temper data stats`.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace temper::clean {

struct FilterTotals {
  std::string name, plugin;
  std::int64_t documents = 0;  ///< that reached it
  std::int64_t edited = 0, dropped = 0;
  std::int64_t bytes_in = 0, bytes_out = 0;
  std::map<std::string, std::int64_t> reasons = {};          ///< of drops
  std::map<std::string, std::int64_t> spans = {};            ///< by type, edits and marks
  std::vector<std::pair<std::string, double>> figures = {};  ///< the filter's own
};

struct Summary {
  std::int64_t documents = 0, kept = 0, edited = 0, dropped = 0;
  std::int64_t bytes_in = 0, bytes_out = 0;
  std::int64_t skipped = 0;         ///< rows that could not be read
  std::vector<std::string> faults;  ///< of the first of them
  std::vector<FilterTotals> filters;
};

void add(FilterTotals& to, const FilterTotals& more);
nlohmann::ordered_json summary_json(const Summary& summary);
/// Throws DataError for what summary_json() did not write.
Summary summary_of(const nlohmann::ordered_json& json);
/// A table for people, with what each filter took and why.
std::string summary_text(const Summary& summary);

}  // namespace temper::clean
