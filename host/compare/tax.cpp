// The alignment-tax matrix (see tax.h).
#include "host/compare/tax.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "host/compare/compare.h"
#include "host/compare/json_number.h"
#include "host/compare/text_table.h"
#include "temper/error.h"

namespace temper {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kAlpha = 0.05;

/// The evaluated stages that a column builds on, nearest first; where the record does not say, those before it.
std::vector<std::string> line_of(const Collected& collected, std::size_t index) {
  std::vector<std::string> line;
  const auto& columns = collected.columns;
  if (const auto found = collected.column_parents.find(columns[index]); found != collected.column_parents.end()) {
    for (const auto& stage : found->second) {
      if (std::find(columns.begin(), columns.end(), stage) != columns.end()) line.push_back(stage);
    }
  }
  return line;
}

void judge(std::vector<TaxRow>& rows, std::vector<TaxCell> TaxRow::*cells) {
  std::vector<double> p_values;
  for (const auto& row : rows) {
    for (const auto& cell : row.*cells) {
      if (cell.difference) p_values.push_back(cell.difference->p_value);
    }
  }
  const auto adjusted = holm(p_values);
  std::size_t next = 0;
  for (auto& row : rows) {
    for (auto& cell : row.*cells) {
      if (!cell.difference) continue;
      cell.p_holm = adjusted[next++];
      cell.change = Change::kNone;
      if (cell.p_holm >= kAlpha) continue;
      const bool rose = cell.difference->difference > 0;
      cell.change = rose == (row.spec.better == Better::kHigher) ? Change::kGained : Change::kLost;
    }
  }
}

std::string word(Change change) {
  switch (change) {
    case Change::kGained:
      return "gained";
    case Change::kLost:
      return "LOST";
    case Change::kNone:
      return "same";
    case Change::kUnknown:
      break;
  }
  return "";
}

std::string shown(const TaxCell& cell) {
  if (!cell.difference) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%+.3g %s", without_rounding(cell.difference->difference), word(cell.change).c_str());
  return text;
}

/// "sft lost 2 of 7 (quiz.accuracy, ...)": what people look for first.
std::vector<std::string> summary_of(const AlignmentTax& tax) {
  std::vector<std::string> lines;
  for (std::size_t c = 0; c + 1 < tax.columns.size(); ++c) {
    std::string lost, against;
    int count = 0, all = 0;
    for (const auto& row : tax.rows) {
      const TaxCell& cell = row.since_parent[c];
      if (!cell.difference) continue;
      ++all;
      against = cell.against;
      if (cell.change != Change::kLost) continue;
      ++count;
      lost += (lost.empty() ? "" : ", ") + row.evaluator + "." + row.spec.name;
    }
    if (all == 0) continue;
    lines.push_back(tax.columns[c + 1] + " after " + against + ": lost " + std::to_string(count) + " of " +
                    std::to_string(all) + (count > 0 ? " (" + lost + ")" : ""));
  }
  return lines;
}

std::vector<std::vector<std::string>> grid_of(const AlignmentTax& tax) {
  std::vector<std::vector<std::string>> grid;
  std::vector<std::string> header = {"ability", "better"};
  for (std::size_t c = 1; c < tax.columns.size(); ++c) header.push_back(tax.columns[c]);
  for (std::size_t c = 2; c < tax.columns.size(); ++c) header.push_back(tax.columns[c] + " since first");
  grid.push_back(std::move(header));
  for (const auto& row : tax.rows) {
    std::vector<std::string> line = {row.evaluator + "." + row.spec.name,
                                     row.spec.better == Better::kHigher ? "higher" : "lower"};
    for (const auto& cell : row.since_parent) line.push_back(shown(cell));
    for (std::size_t c = 1; c < row.since_first.size(); ++c) line.push_back(shown(row.since_first[c]));
    grid.push_back(std::move(line));
  }
  return grid;
}

std::string as_table(const AlignmentTax& tax) {
  const auto grid = grid_of(tax);
  std::vector<std::size_t> widths(grid.front().size(), 0);
  for (const auto& line : grid) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const auto& line : grid) {
    std::string out;
    for (std::size_t i = 0; i < line.size(); ++i) out += line[i] + std::string(widths[i] - line[i].size() + 2, ' ');
    out.erase(out.find_last_not_of(' ') + 1);
    text += out + "\n";
  }
  text += "\nchange to the evaluated stage that each builds on; gained and LOST: p < 0.05 after Holm's correction\n";
  for (const auto& line : summary_of(tax)) text += line + "\n";
  for (const auto& note : tax.notes) text += "note: " + note + "\n";
  return text;
}

std::string as_markdown(const AlignmentTax& tax) {
  std::string text;
  const auto grid = grid_of(tax);
  for (std::size_t i = 0; i < grid.size(); ++i) {
    text += "|";
    for (const auto& field : grid[i]) text += " " + field + " |";
    text += "\n";
    if (i > 0) continue;
    text += "|";
    for (std::size_t c = 0; c < grid[i].size(); ++c) text += c < 2 ? " --- |" : " ---: |";
    text += "\n";
  }
  for (const auto& line : summary_of(tax)) text += "\n" + line + "\n";
  return text;
}

Json json_of(const TaxCell& cell) {
  if (!cell.difference) return nullptr;
  return {{"column", cell.column},
          {"against", cell.against},
          {"difference", json_number(cell.difference->difference)},
          {"ci_low", json_number(cell.difference->ci_low)},
          {"ci_high", json_number(cell.difference->ci_high)},
          {"p_holm", json_number(cell.p_holm)},
          {"change", cell.change == Change::kLost     ? "lost"
                     : cell.change == Change::kGained ? "gained"
                                                      : "same"}};
}

}  // namespace

AlignmentTax alignment_tax(const Collected& collected) {
  AlignmentTax tax{collected.columns, {}, collected.notes};
  if (tax.columns.size() < 2) {
    throw DataError("the alignment tax needs two evaluated stages, and the records give " +
                    std::to_string(tax.columns.size()));
  }
  if (collected.column_parents.empty()) {
    throw ConfigError("--tax compares stages with the stages they build on; use it with --by stage");
  }
  BootstrapDraws draws = comparison_draws();
  for (const auto& row : collected.rows) {
    if (row.spec.better == Better::kNeither) continue;
    TaxRow out{row.evaluator, row.spec, {}, {}};
    bool any = false;
    for (std::size_t c = 1; c < tax.columns.size(); ++c) {
      TaxCell parent{tax.columns[c], "", {}, 1, Change::kUnknown}, first = parent;
      std::vector<std::string> line;
      for (const auto& stage : line_of(collected, c)) {
        if (row.cells.count(stage) > 0) line.push_back(stage);
      }
      if (!line.empty()) {
        parent.against = line.front();
        first.against = line.back();
        parent.difference = difference_of(collected, row, parent.against, parent.column, draws);
        first.difference = difference_of(collected, row, first.against, first.column, draws);
        any |= parent.difference.has_value();
      }
      out.since_parent.push_back(std::move(parent));
      out.since_first.push_back(std::move(first));
    }
    if (any) tax.rows.push_back(std::move(out));
  }
  judge(tax.rows, &TaxRow::since_parent);
  judge(tax.rows, &TaxRow::since_first);
  return tax;
}

std::string format_tax(const AlignmentTax& tax, const std::string& format) {
  if (format == "table") return as_table(tax);
  if (format == "md") return as_markdown(tax);
  if (format != "json") throw ConfigError("--format " + format + " with --tax: must be one of table, md, json");
  Json rows = Json::array();
  for (const auto& row : tax.rows) {
    Json parent = Json::array(), first = Json::array();
    for (const auto& cell : row.since_parent) parent.push_back(json_of(cell));
    for (const auto& cell : row.since_first) first.push_back(json_of(cell));
    rows.push_back({{"evaluator", row.evaluator},
                    {"metric", row.spec.name},
                    {"better", row.spec.better == Better::kHigher ? "higher" : "lower"},
                    {"since_parent", parent},
                    {"since_first", first}});
  }
  return Json{{"columns", tax.columns}, {"rows", rows}, {"summary", summary_of(tax)}, {"notes", tax.notes}}.dump(
      2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace temper
