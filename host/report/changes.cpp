// What changed between stages or columns: the alignment-tax matrix, and items that flipped, with the texts side by side.
#include <algorithm>

#include "host/report/html.h"
#include "host/report/sections.h"

namespace temper::report {
namespace {

constexpr std::size_t kMostText = 1200;  ///< characters of one text
/// Characters of markup that all flips together take; after that only their counts are shown.
constexpr std::size_t kAllText = 6'000'000;
constexpr std::size_t kMostTables = 400;

std::string tax_cell(const TaxCell& one) {
  if (!one.difference) return "<td>none</td>";
  const char* word = one.change == Change::kGained ? " * gained" : one.change == Change::kLost ? " * lost" : " same";
  return "<td>" + escape(signed_number(one.difference->difference)) + word + "<br/><small>" +
         escape(interval(one.difference->ci_low, one.difference->ci_high)) + ", " + escape(p_text(one.p_holm)) +
         (one.against.empty() ? "" : ", after " + escape(one.against)) + "</small></td>";
}

std::string tax_table(const AlignmentTax& tax, std::vector<TaxCell> TaxRow::*cells, const std::string& caption) {
  std::string head = head_cell("ability", "col"), body;
  for (std::size_t c = 1; c < tax.columns.size(); ++c) head += head_cell(tax.columns[c], "col");
  for (const auto& row : tax.rows) {
    body += "<tr><th scope=\"row\">" + breakable(row.evaluator + "." + row.spec.name) + "<br/><small>" +
            direction(row.spec.better) + "</small></th>";
    for (const auto& one : row.*cells) body += tax_cell(one);
    body += "</tr>\n";
  }
  return table(caption, head, body);
}

std::string tax_part(const Data& data) {
  std::string text = "<h3>Alignment tax</h3>\n";
  if (!data.tax || data.tax->rows.empty()) {
    return text +
           (data.by == "stage" || data.runs.size() * data.collected.rows.size() <= 2000
                ? "<p>There are no two evaluated stages with a metric that has a better direction and a score for each "
                  "item.</p>\n"
                : "<p>Not computed for this many runs; <code>temper compare --tax</code> gives it.</p>\n");
  }
  text += std::string("<p>Each stage against the evaluated stage that it builds on") +
          (data.by == "stage" ? "" : ", over all runs of the report") +
          ". * marks changes with p below 0.05 after Holm's correction: gained or lost.</p>\n";
  text += tax_table(*data.tax, &TaxRow::since_parent, "Change since the stage before");
  if (data.tax->columns.size() > 2) {
    text += details("Change since the first stage",
                    tax_table(*data.tax, &TaxRow::since_first, "Change since the first stage of the line"));
  }
  return text;
}

std::string texts_of(const std::vector<Flip>& flips, std::int64_t all, const std::string& kind,
                     const FlipTable& flip_table) {
  if (flips.empty()) return "";
  std::string body;
  for (const auto& flip : flips) {
    body += "<tr>" + head_cell(flip.before.item_id, "row");
    for (const auto* text : {&flip.before.prompt, &flip.before.reference, &flip.before.response, &flip.after.response}) {
      body += "<td class=\"text\">" + escape_cut(*text, kMostText) + "</td>";
    }
    body += "</tr>\n";
  }
  return table(kind + ": " + std::to_string(flips.size()) + " of " + std::to_string(all),
               head_cell("item", "col") + head_cell("prompt", "col") + head_cell("reference", "col") +
                   head_cell(flip_table.baseline, "col") + head_cell(flip_table.column, "col"),
               body);
}

std::string flips_part(const Data& data) {
  std::string text = "<h3>Items that changed</h3>\n";
  if (data.flips.empty()) return text + "<p>No metric is yes or no for each item in two columns, so nothing can flip.</p>\n";
  text += "<p>Items whose verdict changed from the baseline " + escape(data.baseline) +
          ": gained went to the better, lost to the worse. Texts are those of the first run of each column.</p>\n";
  std::vector<const FlipTable*> tables;
  for (const auto& one : data.flips) tables.push_back(&one);
  if (data.row) {
    const MetricRow& row = data.collected.rows[*data.row];
    std::stable_partition(tables.begin(), tables.end(), [&](const FlipTable* one) {
      return one->evaluator == row.evaluator && one->metric == row.spec.name;
    });
  }
  std::string body, texts;
  std::size_t without = 0;
  FlipTexts reader(data.collected);
  for (std::size_t i = 0; i < tables.size() && i < kMostTables; ++i) {
    FlipTable one = *tables[i];
    const std::string name = one.evaluator + "." + one.metric;
    body += "<tr>" + head_cell(name, "row") + cell(one.column) + cell(std::to_string(one.gained)) +
            cell(std::to_string(one.lost)) + cell(std::to_string(one.stable_yes)) + cell(std::to_string(one.stable_no)) +
            "</tr>\n";
    if (one.shown_gained.empty() && one.shown_lost.empty()) continue;
    if (texts.size() > kAllText) {
      ++without;
      continue;
    }
    reader.fill(one);
    texts +=
        details(name + ", " + one.baseline + " to " + one.column + ": gained " + std::to_string(one.gained) + ", lost " +
                    std::to_string(one.lost),
                texts_of(one.shown_gained, one.gained, "Gained", one) + texts_of(one.shown_lost, one.lost, "Lost", one));
  }
  text += table("Items gained and lost since the baseline",
                head_cell("metric", "col") + head_cell("column", "col") + head_cell("gained", "col") +
                    head_cell("lost", "col") + head_cell("1 on both sides", "col") + head_cell("0 on both sides", "col"),
                body);
  if (tables.size() > kMostTables) {
    text +=
        "<p>The first " + std::to_string(kMostTables) + " of " + std::to_string(tables.size()) + " pairs are shown.</p>\n";
  }
  if (without > 0) text += "<p>" + counted(without, "pair") + " shown without texts to keep the page small.</p>\n";
  return text + texts;
}

}  // namespace

std::string changes_section(const Data& data) {
  if (data.collected.columns.empty()) return "";
  return "<section id=\"changes\"><h2>Gains and losses</h2>\n" + tax_part(data) + flips_part(data) + "</section>\n";
}

}  // namespace temper::report
