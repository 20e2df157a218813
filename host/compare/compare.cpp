// Comparison against a baseline column (see compare.h).
#include "host/compare/compare.h"

#include <algorithm>

#include "temper/error.h"
#include "temper/params.h"

namespace temper {

namespace {
/// Resampling always uses the same draws, so that a comparison gives the same digits every time.
constexpr std::uint64_t kSeed = 20240229;
}  // namespace

Comparison compare(const Collected& collected, const std::string& baseline) {
  Comparison comparison;
  comparison.columns = collected.columns;
  comparison.notes = collected.notes;
  if (collected.columns.empty()) {
    throw DataError("the records hold no evaluation to compare" +
                    (collected.notes.empty() ? std::string() : ": " + collected.notes.front()));
  }
  comparison.baseline = baseline.empty() ? collected.columns.front() : baseline;
  if (std::find(collected.columns.begin(), collected.columns.end(), comparison.baseline) == collected.columns.end()) {
    std::string known;
    for (const auto& column : collected.columns) known += (known.empty() ? "" : ", ") + column;
    const auto suggestion = nearest_name(baseline, collected.columns);
    throw ConfigError("--baseline " + baseline + ": there is no such column" +
                      (suggestion ? "; did you mean '" + *suggestion + "'?" : ";") + " There are: " + known);
  }
  std::vector<double> p_values;
  for (const auto& row : collected.rows) {
    ComparedRow compared{row.evaluator, row.spec, {}};
    const auto base = row.cells.find(comparison.baseline);
    for (const auto& column : collected.columns) {
      const auto found = row.cells.find(column);
      if (found == row.cells.end()) continue;
      ComparedCell cell{column, found->second.value, found->second.runs, column == comparison.baseline, {}, 1};
      const bool can_pair = base != row.cells.end() && !cell.is_baseline && base->second.items.size() >= 2 &&
                            base->second.items.size() == found->second.items.size();
      if (can_pair) {
        cell.paired = paired_difference(base->second.items, found->second.items, kSeed);
        p_values.push_back(cell.paired->p_value);
      }
      compared.cells.push_back(std::move(cell));
    }
    comparison.rows.push_back(std::move(compared));
  }
  const auto adjusted = holm(p_values);
  std::size_t next = 0;
  for (auto& row : comparison.rows) {
    for (auto& cell : row.cells) {
      if (cell.paired) cell.p_holm = adjusted[next++];
    }
  }
  return comparison;
}

std::string compare_records(const std::vector<std::filesystem::path>& records, const CompareOptions& options) {
  return format_comparison(compare(collect_records(records, options), options.baseline), options.format);
}

}  // namespace temper
