// What was run, how it ended, and which cell is best: the part that people read first.
#include <cmath>

#include "host/report/html.h"
#include "host/report/sections.h"

namespace temper::report {
namespace {

constexpr std::size_t kMostReasons = 50, kReasonLength = 600;
constexpr double kAlpha = 0.05;

std::string sentence_of_states(const Data& data) {
  std::map<std::string, std::size_t> states, experiments;
  for (const auto& run : data.runs) {
    ++states[run.status];
    const auto name = run.attributes.find("experiment");
    if (name != run.attributes.end()) ++experiments[name->second];
  }
  std::string text = counted(data.runs.size(), "run") + " of ";
  std::string names;
  for (const auto& [name, count] : experiments) names += (names.empty() ? "experiment " : ", ") + name;
  text += names + ": ";
  std::string list;
  for (const auto& [state, count] : states) list += (list.empty() ? "" : ", ") + std::to_string(count) + " " + state;
  text += list;
  if (!data.waiting.empty()) text += "; " + counted(data.waiting.size(), "planned run") + " not begun";
  return "<p>" + escape(text) + ".</p>\n";
}

std::string best_sentence(const Data& data) {
  if (!data.row) {
    return data.no_comparison.empty()
               ? "<p>No metric has a better direction and a score for each item, so no cell is called best.</p>\n"
               : "<p>" + escape(data.no_comparison) + "</p>\n";
  }
  const MetricRow& row = data.collected.rows[*data.row];
  const std::string how = metric_name(row) + " (" + direction(row.spec.better) + ")";
  if (!data.best) return "<p>By " + escape(how) + " no cell can be called best.</p>\n";
  const Best& best = *data.best;
  std::string text = "Best by " + how + ": " + best.column + " with " + number(best.value.value);
  const std::string reach = interval(best.value.ci_low, best.value.ci_high);
  if (!reach.empty()) text += ", 95% interval " + reach;
  if (best.rival.empty()) {
    text += "; it is the only one";
  } else if (!best.over_rival) {
    text += "; the runner-up is " + best.rival + ", and without scores for each item it cannot be said how sure that is";
  } else {
    const bool sure = best.p_holm < kAlpha, level = best.over_rival->difference == 0;
    text += "; the paired difference to the runner-up " + best.rival + (best.rival_is_baseline ? ", the baseline," : "") +
            " is " + signed_number(best.over_rival->difference) + " " +
            interval(best.over_rival->ci_low, best.over_rival->ci_high) + ", " + p_text(best.p_holm) +
            " after Holm's correction for " + counted(best.comparisons, "comparison") + " by this metric" + ": " +
            (sure    ? "the lead is sure"
             : level ? "the two are level"
                     : "the lead is not sure");
  }
  return "<p class=\"best\">" + escape(text) + ".</p>\n";
}

std::string failures(const Data& data) {
  std::string rows;
  std::size_t count = 0;
  for (const auto& run : data.runs) {
    if (run.status == "complete" || ++count > kMostReasons) continue;
    rows += "<tr>" + head_cell(run.id, "row") + cell(run.status) + "<td class=\"text\">" +
            (run.reason.empty() ? "no note says why"
                                : escape_cut(first_and_last_lines(run.reason, kReasonLength), 2 * kReasonLength)) +
            "</td></tr>\n";
  }
  if (count == 0) return "";
  std::string text = table("Runs that are not complete",
                           head_cell("run", "col") + head_cell("state", "col") + head_cell("reason", "col"), rows);
  if (count > kMostReasons) text += "<p>" + counted(count - kMostReasons, "further run") + " did not end as planned.</p>\n";
  return text;
}

std::string halving(const Data& data) {
  if (data.halving.empty()) return "";
  std::string items;
  for (const auto& sentence : data.halving) items += "<li>" + escape(sentence) + "</li>\n";
  return "<p>Successive halving stopped cells that were behind:</p>\n<ul>" + items + "</ul>\n";
}

std::string notes(const Data& data) {
  std::vector<std::string> all = data.unreadable;
  all.insert(all.end(), data.collected.notes.begin(), data.collected.notes.end());
  if (all.empty()) return "";
  std::string items;
  for (const auto& note : all) items += "<li>" + escape(note) + "</li>\n";
  return details("Notes (" + std::to_string(all.size()) + ")", "<ul>" + items + "</ul>\n");
}

}  // namespace

std::string summary_section(const Data& data) {
  return "<section id=\"summary\"><h2>Summary</h2>\n" + sentence_of_states(data) + best_sentence(data) + halving(data) +
         failures(data) + notes(data) + "</section>\n";
}

}  // namespace temper::report
