// The comparison matrix: every column and metric with its interval, and the difference to the baseline where there is one.
#include <algorithm>
#include <cmath>

#include "host/report/html.h"
#include "host/report/sections.h"

namespace temper::report {
namespace {

constexpr double kAlpha = 0.05;
/// With more columns than this, the columns become rows.
constexpr std::size_t kMostAcross = 6;
constexpr std::size_t kMostCells = 20'000;

const ComparedCell* compared(const Data& data, const MetricRow& row, const std::string& column) {
  for (const auto& other : data.comparison.rows) {
    if (other.evaluator != row.evaluator || other.spec.name != row.spec.name) continue;
    for (const auto& one : other.cells) {
      if (one.column == column) return &one;
    }
  }
  return nullptr;
}

std::string mark(const ComparedCell& found, Better better) {
  if (!(found.p_holm < kAlpha)) return "";
  if (better == Better::kNeither) return " * changed";
  return (found.paired->difference > 0) == (better == Better::kHigher) ? " * better" : " * worse";
}

std::string matrix_cell(const Data& data, const MetricRow& row, const std::string& column) {
  const auto found = row.cells.find(column);
  if (found == row.cells.end()) return "<td>none</td>";
  const Cell& one = found->second;
  std::string text = "<td class=\"v\"><span class=\"w\"><strong>" + escape(number(one.value.value)) + "</strong>";
  const std::string reach = interval(one.value.ci_low, one.value.ci_high);
  if (!reach.empty()) text += " " + escape(reach);
  text += "</span>";
  if (one.runs > 1) text += " <small>" + counted(static_cast<std::size_t>(one.runs), "run") + "</small>";
  if (column == data.baseline) return text + "</td>";
  const ComparedCell* difference = compared(data, row, column);
  if (difference != nullptr && difference->paired) {
    text += "<br/><span class=\"diff\"><span class=\"w\">" + escape(signed_number(difference->paired->difference)) + " " +
            escape(interval(difference->paired->ci_low, difference->paired->ci_high)) + ",</span> <span class=\"w\">" +
            escape(p_text(difference->p_holm)) + "<b>" + mark(*difference, row.spec.better) + "</b></span></span>";
  }
  return text + "</td>";
}

std::string metrics_down(const Data& data) {
  std::string head = head_cell("metric", "col"), body;
  for (const auto& column : data.collected.columns) {
    head += head_cell(column + (column == data.baseline ? " (baseline)" : ""), "col");
  }
  for (const auto& row : data.collected.rows) {
    body += "<tr><th scope=\"row\">" + breakable(metric_name(row)) + "<br/><small>" + direction(row.spec.better) +
            (row.spec.unit.empty() ? "" : ", " + escape(row.spec.unit)) + "</small></th>";
    for (const auto& column : data.collected.columns) body += matrix_cell(data, row, column);
    body += "</tr>\n";
  }
  return table("Metrics of each column; below each value the difference to the baseline", head, body);
}

/// One table an evaluator, the best columns first.
std::string columns_down(const Data& data) {
  std::vector<std::string> columns = data.collected.columns;
  if (data.row) {
    std::map<std::string, std::size_t> rank;
    for (const auto& column : columns_by_rank(data.collected.rows[*data.row], columns)) rank.emplace(column, rank.size());
    const auto place = [&](const std::string& column) {
      const auto found = rank.find(column);
      return found == rank.end() ? rank.size() : found->second;
    };
    std::stable_sort(columns.begin(), columns.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
  }
  const std::size_t most = std::max<std::size_t>(1, kMostCells / std::max<std::size_t>(1, data.collected.rows.size()));
  std::string text;
  if (columns.size() > most) {
    text = "<p>The " + std::to_string(most) + " best of " + std::to_string(columns.size()) + " columns are shown.</p>\n";
    columns.resize(most);
  }
  std::vector<std::string> evaluators;
  for (const auto& row : data.collected.rows) {
    if (std::find(evaluators.begin(), evaluators.end(), row.evaluator) == evaluators.end())
      evaluators.push_back(row.evaluator);
  }
  for (const auto& evaluator : evaluators) {
    std::string head = head_cell(data.by, "col"), body;
    for (const auto& row : data.collected.rows) {
      if (row.evaluator != evaluator) continue;
      head +=
          "<th scope=\"col\">" + breakable(row.spec.name) + "<br/><small>" + direction(row.spec.better) + "</small></th>";
    }
    for (const auto& column : columns) {
      body += "<tr>" + head_cell(column + (column == data.baseline ? " (baseline)" : ""), "row");
      for (const auto& row : data.collected.rows) {
        if (row.evaluator == evaluator) body += matrix_cell(data, row, column);
      }
      body += "</tr>\n";
    }
    text += table(evaluator + ": the best by the chosen metric first", head, body);
  }
  return text;
}

/// The columns' numbers, with what each rests on, for copying.
std::string meanings(const Data& data) {
  std::string items;
  for (const auto& row : data.collected.rows) {
    items += "<dt>" + escape(metric_name(row)) + "</dt><dd>" + escape(row.spec.doc) + "</dd>\n";
  }
  return details("What the metrics mean", "<dl>" + items + "</dl>\n");
}

}  // namespace

std::string matrix_section(const Data& data) {
  std::string text = "<section id=\"comparison\"><h2>Comparison</h2>\n";
  if (data.collected.columns.empty()) return text + "<p>" + escape(data.no_comparison) + "</p></section>\n";
  text += "<p>Columns are " +
          escape(data.by == "stage" ? "stages"
                 : data.by == "run" ? "runs"
                                    : "values of " + data.by) +
          (data.by == "stage" ? "" : ", each with what its last evaluated stage gave") +
          "; brackets are 95% intervals. Differences are to the baseline " + escape(data.baseline) +
          ", paired item by item; p values are corrected after Holm, and * marks those below 0.05.</p>\n";
  if (data.only_chosen) {
    text += "<p>Differences are shown for the best " + std::to_string(data.comparison.columns.size()) +
            " columns of the chosen metric only, because all of them would take too long; <code>temper compare</code> gives "
            "the others.</p>\n";
  }
  text += data.collected.columns.size() <= kMostAcross ? metrics_down(data) : columns_down(data);
  return text + meanings(data) + "</section>\n";
}

}  // namespace temper::report
