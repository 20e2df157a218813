// What the filters of the corpus took: one table for each different cleaning among the runs.
#include <algorithm>
#include <cstdio>

#include "host/report/html.h"
#include "host/report/sections.h"

namespace temper::report {
namespace {

std::string share(std::int64_t part, std::int64_t whole) {
  char text[48];
  std::snprintf(text, sizeof text, "%lld (%.1f %%)", static_cast<long long>(part),
                whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole));
  return text;
}

std::string reasons_of(const LedgerRow& row, const std::string& kind) {
  auto reasons = row.reasons;
  std::erase_if(reasons, [&](const LedgerRow::Reason& reason) { return reason.kind != kind; });
  std::stable_sort(reasons.begin(), reasons.end(), [](const auto& a, const auto& b) { return a.value > b.value; });
  constexpr std::size_t kMost = 8;
  std::string text;
  for (std::size_t i = 0; i < reasons.size() && i < kMost; ++i) {
    text += (i == 0 ? "" : ", ") + reasons[i].name + " " + number(reasons[i].value);
  }
  if (reasons.size() > kMost) text += ", and " + std::to_string(reasons.size() - kMost) + " more";
  return text;
}

}  // namespace

std::string filters_table(const std::vector<LedgerRow>& rows, const std::string& caption) {
  std::string head, body;
  for (const char* name : {"filter", "documents", "dropped", "edited", "bytes less", "dropped for", "found"}) {
    head += head_cell(name, "col");
  }
  for (const auto& row : rows) {
    body += "<tr>" + head_cell(row.name, "row") + cell(std::to_string(row.documents)) +
            cell(share(row.dropped, row.documents)) + cell(share(row.edited, row.documents)) +
            cell(share(row.bytes_in - row.bytes_out, row.bytes_in)) + "<td class=\"text\">" +
            escape(reasons_of(row, "drop")) + "</td><td class=\"text\">" + escape(reasons_of(row, "span")) + "</td></tr>\n";
  }
  return table(caption, head, body);
}

std::string cleaning_section(const Data& data) {
  std::vector<std::pair<std::vector<LedgerRow>, std::vector<std::string>>> cleanings;
  for (const auto& run : data.runs) {
    if (run.ledger.empty()) continue;
    auto known = std::find_if(cleanings.begin(), cleanings.end(), [&](const auto& one) { return one.first == run.ledger; });
    if (known == cleanings.end()) known = cleanings.insert(cleanings.end(), {run.ledger, {}});
    known->second.push_back(run.id);
  }
  if (cleanings.empty()) return "";
  std::string text = "<section id=\"cleaning\"><h2>Cleaning of the corpus</h2>\n";
  for (const auto& [rows, runs] : cleanings) {
    std::string caption = "What each filter took, in " + counted(runs.size(), "run") + ": ";
    constexpr std::size_t kMost = 6;
    for (std::size_t i = 0; i < runs.size() && i < kMost; ++i) caption += (i == 0 ? "" : ", ") + runs[i];
    if (runs.size() > kMost) caption += ", ...";
    text += filters_table(rows, caption);
  }
  return text + "</section>\n";
}

}  // namespace temper::report
