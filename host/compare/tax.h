// The alignment tax: what each stage cost and won, ability by ability. Every stage is compared with the evaluated stage that
// it builds on and with the first one of its line; a change counts if its p value after Holm's correction is below 0.05.
// Source: Ouyang et al. (2022), section 4.2, "alignment tax".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/compare/collect.h"
#include "host/compare/statistics.h"

namespace temper {

enum class Change { kUnknown, kNone, kGained, kLost };

struct TaxCell {
  std::string column, against;  ///< `against` is empty where the column has no earlier one
  std::optional<PairedDifference> difference;
  double p_holm = 1;
  Change change = Change::kUnknown;
};

struct TaxRow {
  std::string evaluator;
  MetricSpec spec;
  std::vector<TaxCell> since_parent, since_first;  ///< one a column of AlignmentTax, but for the first
};

struct AlignmentTax {
  std::vector<std::string> columns;
  std::vector<TaxRow> rows;  ///< metrics with a better direction and per-item scores only
  std::vector<std::string> notes;
};

/// Columns have to be stages. Throws DataError with fewer than two.
AlignmentTax alignment_tax(const Collected& collected);

/// table, md or json. Throws ConfigError for another format.
std::string format_tax(const AlignmentTax& tax, const std::string& format);

}  // namespace temper
