// Comparison against a baseline column (see compare.h).
#include "host/compare/compare.h"

#include <algorithm>

#include "host/compare/effects.h"
#include "host/compare/flips.h"
#include "host/compare/tax.h"
#include "host/util/on_all_cores.h"
#include "temper/error.h"
#include "temper/params.h"

namespace temper {

namespace {
constexpr std::uint64_t kSeed = 20240229;

/// The variance over runs of the mean difference between two columns, and its degrees of freedom: of the differences run by
/// run where both columns come from the same runs, else of both columns apart. Nothing with fewer than two runs a side.
void add_runs(PairedDifference& paired, const Cell& baseline, const Cell& other) {
  const auto variance_of_mean = [](const std::vector<double>& values) {
    double mean = 0, squares = 0;
    const auto k = static_cast<double>(values.size());
    for (const double value : values) mean += value / k;
    for (const double value : values) squares += (value - mean) * (value - mean);
    return squares / (k - 1) / k;
  };
  std::vector<double> differences, a, b;
  for (const auto& [run, value] : baseline.run_values) {
    a.push_back(value);
    if (const auto found = other.run_values.find(run); found != other.run_values.end()) {
      differences.push_back(found->second - value);
    }
  }
  for (const auto& [run, value] : other.run_values) b.push_back(value);
  if (a.size() < 2 || b.size() < 2) return;
  if (differences.size() == a.size() && a.size() == b.size()) {
    add_run_variance(paired, variance_of_mean(differences), static_cast<double>(a.size() - 1));
    return;
  }
  add_run_variance(paired, variance_of_mean(a) + variance_of_mean(b), static_cast<double>(std::min(a.size(), b.size()) - 1));
}

std::vector<FlipTable> with_texts(std::vector<FlipTable> tables, const Collected& collected) {
  FlipTexts texts(collected);
  for (auto& table : tables) texts.fill(table);
  return tables;
}

/// On all cores. What a pair throws is thrown here, that of the first one.
void compare_pairs(const Collected& collected, const std::string& baseline,
                   const std::vector<std::pair<const MetricRow*, ComparedCell*>>& pairs) {
  BootstrapDraws draws = comparison_draws();
  on_all_cores(pairs.size(), [&](std::size_t i) {
    pairs[i].second->paired = difference_of(collected, *pairs[i].first, baseline, pairs[i].second->column, draws);
  });
}

}  // namespace

BootstrapDraws comparison_draws() { return BootstrapDraws(kSeed); }

void check_column(const Collected& collected, const std::string& column, const std::string& option) {
  if (std::find(collected.columns.begin(), collected.columns.end(), column) != collected.columns.end()) return;
  std::string known;
  for (const auto& name : collected.columns) known += (known.empty() ? "" : ", ") + name;
  const auto suggestion = nearest_name(column, collected.columns);
  throw ConfigError(option + " " + column + ": there is no such column" +
                    (suggestion ? "; did you mean '" + *suggestion + "'?" : ";") + " There are: " + known);
}

std::optional<PairedDifference> difference_of(const Collected& collected, const MetricRow& row, const std::string& baseline,
                                              const std::string& column, BootstrapDraws& draws) {
  const auto base = row.cells.find(baseline), other = row.cells.find(column);
  if (base == row.cells.end() || other == row.cells.end()) return std::nullopt;
  if (base->second.items.size() < 2 || base->second.items.size() != other->second.items.size()) return std::nullopt;
  auto paired =
      paired_difference(base->second.items, other->second.items, collected.items.at(row.evaluator).clusters, draws);
  add_runs(paired, base->second, other->second);
  return paired;
}

Comparison compare(const Collected& collected, const std::string& baseline) {
  Comparison comparison;
  comparison.columns = collected.columns;
  comparison.notes = collected.notes;
  if (collected.columns.empty()) {
    throw DataError("the records hold no evaluation to compare" +
                    (collected.notes.empty() ? std::string() : ": " + collected.notes.front()));
  }
  comparison.baseline = baseline.empty() ? collected.columns.front() : baseline;
  check_column(collected, comparison.baseline, "--baseline");
  std::vector<std::pair<const MetricRow*, ComparedCell*>> pairs;
  for (const auto& row : collected.rows) {
    ComparedRow compared{row.evaluator, row.spec, {}};
    for (const auto& column : collected.columns) {
      const auto found = row.cells.find(column);
      if (found == row.cells.end()) continue;
      compared.cells.push_back({column, found->second.value, found->second.runs, column == comparison.baseline, {}, 1});
    }
    comparison.rows.push_back(std::move(compared));
  }
  for (std::size_t r = 0; r < comparison.rows.size(); ++r) {
    for (auto& cell : comparison.rows[r].cells) {
      if (!cell.is_baseline) pairs.emplace_back(&collected.rows[r], &cell);
    }
  }
  compare_pairs(collected, comparison.baseline, pairs);
  std::vector<double> p_values;
  for (const auto& [row, cell] : pairs) {
    if (cell->paired) p_values.push_back(cell->paired->p_value);
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
  if (options.view == CompareView::kEffects) return format_effects(axis_effects(records, options), options.format);
  const Collected collected = collect_records(records, options);
  switch (options.view) {
    case CompareView::kFlips:
      return format_flips(with_texts(find_flips(collected, options), collected), options.format);
    case CompareView::kTax:
      return format_tax(alignment_tax(collected), options.format);
    case CompareView::kTable:
    case CompareView::kEffects:
      break;
  }
  return format_comparison(compare(collected, options.baseline), options.format);
}

}  // namespace temper
