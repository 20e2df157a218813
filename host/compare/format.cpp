// A comparison as text: for the terminal, Markdown, CSV, LaTeX and JSON.
#include <nlohmann/json.hpp>

#include "host/compare/compare.h"
#include "host/compare/json_number.h"
#include "host/compare/text_table.h"
#include "temper/error.h"

namespace temper {
namespace {

using Json = nlohmann::ordered_json;

const char* direction(Better better) {
  switch (better) {
    case Better::kHigher:
      return "higher is better";
    case Better::kLower:
      return "lower is better";
    case Better::kNeither:
      return "neither is better";
  }
  return "";
}

/// Columns of a flat table; the same for Markdown, CSV and LaTeX.
const std::vector<std::string>& flat_header() {
  static const std::vector<std::string> header = {"evaluator",  "metric",      "better",       "column", "value",
                                                  "stderr",     "ci_low",      "ci_high",      "n",      "runs",
                                                  "difference", "diff_ci_low", "diff_ci_high", "p",      "p_holm",
                                                  "test",       "effect_size", "detectable",   "gained", "lost"};
  return header;
}

TextTable flatten(const Comparison& comparison, const char* format) {
  // Texts: the first four columns, and the test's name.
  TextTable table{flat_header(), {}, std::vector<bool>(flat_header().size(), false)};
  for (const std::size_t i : {0, 1, 2, 3, 15}) table.is_text[i] = true;
  for (const auto& row : comparison.rows) {
    for (const auto& cell : row.cells) {
      const bool paired = cell.paired.has_value();
      const auto of_pair = [&](double value) { return paired ? number_text(value, format) : std::string(); };
      table.rows.push_back({row.evaluator,
                            row.spec.name,
                            better_text(row.spec.better),
                            cell.column,
                            number_text(cell.value.value, format),
                            number_text(cell.value.std_error, format),
                            number_text(cell.value.ci_low, format),
                            number_text(cell.value.ci_high, format),
                            std::to_string(cell.value.n),
                            std::to_string(cell.runs),
                            of_pair(paired ? cell.paired->difference : 0),
                            of_pair(paired ? cell.paired->ci_low : 0),
                            of_pair(paired ? cell.paired->ci_high : 0),
                            of_pair(paired ? cell.paired->p_value : 0),
                            of_pair(cell.p_holm),
                            paired ? cell.paired->test : "",
                            of_pair(paired ? cell.paired->effect_size : 0),
                            of_pair(paired ? cell.paired->detectable : 0),
                            paired ? std::to_string(cell.paired->gained) : "",
                            paired ? std::to_string(cell.paired->lost) : ""});
    }
  }
  return table;
}

std::string as_json(const Comparison& comparison) {
  Json rows = Json::array();
  for (const auto& row : comparison.rows) {
    for (const auto& cell : row.cells) {
      Json entry = {{"evaluator", row.evaluator},
                    {"metric", row.spec.name},
                    {"unit", row.spec.unit},
                    {"doc", row.spec.doc},
                    {"better", row.spec.better == Better::kHigher  ? "higher"
                               : row.spec.better == Better::kLower ? "lower"
                                                                   : "neither"},
                    {"column", cell.column},
                    {"value", json_number(cell.value.value)},
                    {"stderr", json_number(cell.value.std_error)},
                    {"ci_low", json_number(cell.value.ci_low)},
                    {"ci_high", json_number(cell.value.ci_high)},
                    {"n", cell.value.n},
                    {"runs", cell.runs},
                    {"difference", nullptr}};
      if (cell.paired) {
        const auto& paired = *cell.paired;
        entry["difference"] = {{"baseline", comparison.baseline},
                               {"value", json_number(paired.difference)},
                               {"ci_low", json_number(paired.ci_low)},
                               {"ci_high", json_number(paired.ci_high)},
                               {"p", json_number(paired.p_value)},
                               {"p_holm", json_number(cell.p_holm)},
                               {"test", paired.test},
                               {"effect_size", json_number(paired.effect_size)},
                               {"stderr", json_number(paired.std_error)},
                               {"detectable", json_number(paired.detectable)},
                               {"n", paired.n},
                               {"clusters", paired.clusters},
                               {"gained", paired.gained},
                               {"lost", paired.lost}};
      }
      rows.push_back(std::move(entry));
    }
  }
  return Json{
      {"baseline", comparison.baseline}, {"columns", comparison.columns}, {"rows", rows}, {"notes", comparison.notes}}
      .dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string as_table(const Comparison& comparison) {
  std::size_t width = 8;
  for (const auto& column : comparison.columns) width = std::max(width, column.size());
  std::string text, evaluator;
  bool starred = false, unpaired = false;
  for (const auto& row : comparison.rows) {
    if (row.evaluator != evaluator) {
      evaluator = row.evaluator;
      text += (text.empty() ? "" : "\n") + evaluator + "\n";
    }
    text += "  " + row.spec.name + (row.spec.unit.empty() ? "" : ", " + row.spec.unit) + " (" + direction(row.spec.better) +
            ")\n";
    for (const auto& cell : row.cells) {
      const auto& v = cell.value;
      std::string line = "    " + padded(cell.column, width) + "  " + padded(number_text(v.value), 8) + " +- " +
                         padded(number_text(v.std_error, "%.2g"), 8) +
                         padded("[" + number_text(v.ci_low) + ", " + number_text(v.ci_high) + "]", 20) +
                         padded("n " + std::to_string(v.n), 8);
      if (cell.runs > 1) line += "x" + std::to_string(cell.runs) + " runs  ";
      if (cell.paired) {
        const bool sure = cell.p_holm < 0.05;
        starred |= sure;
        line += number_text(cell.paired->difference, "%+.4g") + " [" + number_text(cell.paired->ci_low, "%+.3g") + ", " +
                number_text(cell.paired->ci_high, "%+.3g") + "] p " + p_value_text(cell.p_holm) + (sure ? " *" : "") +
                "  d " + number_text(cell.paired->effect_size, "%.2f") + "  mde " +
                number_text(cell.paired->detectable, "%.2g");
      } else if (cell.is_baseline) {
        line += comparison.columns.size() > 1 ? "baseline" : "";
      } else {
        unpaired = true;
        line += "(not paired)";
      }
      while (!line.empty() && line.back() == ' ') line.pop_back();
      text += line + "\n";
    }
  }
  if (comparison.columns.size() > 1) {
    text +=
        "\nvalue +- standard error [95% interval]; difference to " + comparison.baseline +
        " over the same items [95% interval], p after Holm's correction,\nd: effect size (difference over its deviation), "
        "mde: smallest difference that would be found with 80% power\n";
  }
  if (starred) text += "* p < 0.05\n";
  if (unpaired) text += "(not paired): the evaluator gives no per-item scores for this metric\n";
  for (const auto& note : comparison.notes) text += "note: " + note + "\n";
  return text;
}

}  // namespace

std::string format_comparison(const Comparison& comparison, const std::string& format) {
  if (format == "table") return as_table(comparison);
  if (format == "md") {
    std::string text = as_markdown(flatten(comparison, "%.4g"));
    for (const auto& note : comparison.notes) text += "\n" + note + "\n";
    return text;
  }
  if (format == "csv") return as_csv(flatten(comparison, "%.17g"));
  if (format == "latex") return as_latex(flatten(comparison, "%.4g"));
  if (format == "json") return as_json(comparison);
  throw ConfigError("--format " + format + ": must be one of table, md, csv, latex, json");
}

}  // namespace temper
