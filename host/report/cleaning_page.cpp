// The page of one cleaning, from the totals and samples of its ledger: bars for documents, bytes and rules, then the table
// and some of what was dropped. The ledger's excerpts hold nobody's data.
#include <algorithm>

#include "host/report/html.h"
#include "host/report/page.h"
#include "host/report/plot.h"
#include "host/report/report.h"
#include "host/report/sections.h"
#include "host/run/record_rows.h"

namespace temper {
namespace {

using report::cell;
using report::escape;

std::string legend(const std::vector<std::string>& names) {
  std::string text = "<ul class=\"legend\">";
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += "<li class=\"c" + std::to_string(i) + "\"><span>" + names[i] + "</span></li>";
  }
  return text + "</ul>";
}

std::string documents_plot(const clean::Summary& summary) {
  std::vector<report::PlotBar> bars;
  for (const auto& filter : summary.filters) {
    bars.push_back({filter.name, {static_cast<double>(filter.dropped), static_cast<double>(filter.edited)}});
  }
  return report::figure(report::draw_bars("Documents that each filter dropped or edited.", "documents", bars),
                        "Documents that each filter dropped or edited.") +
         legend({"dropped", "edited"});
}

std::string bytes_plot(const clean::Summary& summary) {
  std::vector<report::PlotBar> bars;
  for (const auto& filter : summary.filters) {
    bars.push_back({filter.name, {static_cast<double>(filter.bytes_in - filter.bytes_out) / 1e6}});
  }
  return report::figure(report::draw_bars("Megabytes of text that each filter took.", "MB", bars),
                        "Text that each filter took, by dropping documents and by editing them.");
}

std::string rules_plot(const clean::Summary& summary) {
  constexpr std::size_t kMost = 20;
  std::vector<report::PlotBar> bars;
  for (const auto& filter : summary.filters) {
    for (const auto& [reason, count] : filter.reasons) bars.push_back({reason, {static_cast<double>(count)}});
  }
  if (bars.empty()) return "";
  std::stable_sort(bars.begin(), bars.end(), [](const auto& a, const auto& b) { return a.parts[0] > b.parts[0]; });
  const bool cut = bars.size() > kMost;
  if (cut) bars.resize(kMost);
  return report::figure(report::draw_bars("Documents dropped by each rule.", "documents", bars),
                        std::string("Documents dropped by each rule") +
                            (cut ? ", the " + std::to_string(kMost) + " that dropped most." : "."));
}

std::string samples_part(const clean::LedgerStats& stats) {
  if (stats.samples.empty()) return "";
  std::string text = "<section id=\"samples\"><h2>Some of what was dropped</h2>\n";
  const std::string head =
      report::head_cell("document", "col") + report::head_cell("rule", "col") + report::head_cell("begins", "col");
  for (const auto& [filter, samples] : stats.samples) {
    std::string body;
    for (const auto& sample : samples) {
      body += "<tr>" + report::head_cell(sample.id, "row") + cell(sample.reason) + "<td class=\"text\">" +
              escape(sample.excerpt) + "</td></tr>\n";
    }
    text += report::table("By " + filter, head, body);
  }
  return text + "</section>\n";
}

}  // namespace

std::string render_cleaning(const std::string& title, const clean::LedgerStats& stats) {
  const auto& all = stats.summary;
  const std::string story = std::to_string(all.documents) + " documents came in, " + std::to_string(all.kept) +
                            " are left, " + std::to_string(all.edited) + " of them edited; " + std::to_string(all.dropped) +
                            " were dropped.";
  const std::string plots = "<section id=\"plots\"><h2>What was taken</h2>\n<p>" + story +
                            "</p>\n<div class=\"plots\"><div>" + documents_plot(all) + "</div><div>" + bytes_plot(all) +
                            "</div><div>" + rules_plot(all) + "</div></div></section>\n";
  const std::string filters = "<section id=\"filters\"><h2>Filters</h2>\n" +
                              report::filters_table(ledger_rows(all), "What each filter took, in their order") +
                              "</section>\n";
  return report::page(
      title,
      {{"plots", "What was taken", plots}, {"filters", "Filters", filters}, {"samples", "Samples", samples_part(stats)}});
}

}  // namespace temper
