// What each axis of a sweep does to a metric: means over runs with intervals, and for two axes a heat map with its numbers.
#include <algorithm>
#include <cmath>
#include <limits>

#include "host/compare/statistics.h"
#include "host/report/html.h"
#include "host/report/plot.h"
#include "host/report/sections.h"

namespace temper::report {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostMetrics = 40;  ///< of the folded part
constexpr std::size_t kMostTiles = 12;    ///< a side
constexpr std::size_t kMostPairs = 6;
constexpr std::size_t kMostDots = 40;
constexpr std::size_t kMostRunDots = 60;  ///< single runs drawn beside a mean

using RunValues = std::map<std::string, double>;  // by run id

RunValues run_values(const MetricRow& row) {
  RunValues values;
  for (const auto& [column, found] : row.cells) values.insert(found.run_values.begin(), found.run_values.end());
  return values;
}

/// Values of the metric in the runs that have `value` on each key.
std::vector<double> values_at(const Data& data, const RunValues& values,
                              const std::vector<std::pair<std::string, std::string>>& wanted) {
  std::vector<double> result;
  for (const auto& run : data.runs) {
    const auto found = values.find(run.id);
    if (found == values.end() || !std::isfinite(found->second)) continue;
    const bool fits = std::all_of(wanted.begin(), wanted.end(),
                                  [&](const auto& want) { return value_of(run, want.first) == want.second; });
    if (fits) result.push_back(found->second);
  }
  return result;
}

/// Runs that have a value of the metric; others have no place in its plots.
std::vector<Run> runs_with(const Data& data, const RunValues& values) {
  std::vector<Run> runs;
  for (const auto& run : data.runs) {
    if (values.count(run.id) == 0) continue;
    Run one;
    one.id = run.id;
    for (const auto& axis : data.axes) one.values[axis] = value_of(run, axis);
    runs.push_back(std::move(one));
  }
  return runs;
}

std::string effect_of(const Data& data, const MetricRow& row, const RunValues& values, const std::vector<Run>& runs,
                      const std::string& axis, bool with_table) {
  std::vector<std::string> steps = distinct_values(runs, axis);
  if (steps.size() < 2) return "";
  const std::size_t all = steps.size();
  if (all > kMostDots) steps.resize(kMostDots);
  std::vector<PlotDot> dots;
  std::string label = metric_name(row) + " by " + axis + ".", body;
  for (const auto& step : steps) {
    PlotDot dot{step, kNan, kNan, kNan, values_at(data, values, {{axis, step}})};
    if (dot.runs.empty()) continue;
    const auto n = dot.runs.size();
    const MetricValue mean = mean_metric(row.spec, dot.runs);
    dot.value = mean.value;
    if (n > 1) {
      const double reach = student_t95(static_cast<double>(n - 1)) * mean.std_error;
      dot.low = mean.value - reach;
      dot.high = mean.value + reach;
    }
    label += " " + (step.empty() ? "not set" : step) + ": " + number(dot.value) + ".";
    body += "<tr>" + head_cell(step.empty() ? "not set" : step, "row") + cell(number(dot.value)) +
            cell(n > 1 ? interval(dot.low, dot.high) : "one run only") + cell(std::to_string(n)) + "</tr>\n";
    if (dot.runs.size() > kMostRunDots || dot.runs.size() < 2) dot.runs.clear();
    dots.push_back(std::move(dot));
  }
  std::string caption =
      metric_name(row) + " (" + direction(row.spec.better) + ") by " + axis +
      ". Large dots: mean over all runs with that value; bars: 95% t interval over runs; small dots: runs.";
  if (all > kMostDots) caption += " The first " + std::to_string(kMostDots) + " of " + std::to_string(all) + " values.";
  const std::string text = figure(draw_dots(label, axis, row.spec.name, dots), caption);
  if (!with_table) return text;
  return text + table(metric_name(row) + " by " + axis,
                      head_cell(axis, "col") + head_cell("mean", "col") + head_cell("95% interval", "col") +
                          head_cell("runs", "col"),
                      body);
}

std::string heat_of(const Data& data, const MetricRow& row, const RunValues& values, const std::vector<Run>& runs,
                    const std::string& down, const std::string& across) {
  HeatMap map{short_key(down), short_key(across), distinct_values(runs, down), distinct_values(runs, across), {}};
  if (map.rows.size() < 2 || map.columns.size() < 2) return "";
  if (map.rows.size() > kMostTiles || map.columns.size() > kMostTiles) return "";
  std::string label = metric_name(row) + " by " + down + " and " + across + ".";
  for (const auto& r : map.rows) {
    map.values.emplace_back();
    for (const auto& c : map.columns) {
      const auto found = values_at(data, values, {{down, r}, {across, c}});
      map.values.back().push_back(found.empty() ? kNan : mean_metric(row.spec, found).value);
      label += " " + r + ", " + c + ": " + number(map.values.back().back()) + ".";
    }
  }
  return figure(draw_heat(label, map), metric_name(row) + " (" + direction(row.spec.better) + "): rows " + down +
                                           ", columns " + across + "; each cell is the mean over its runs" +
                                           (data.axes.size() > 2 ? ", whatever the other axes are" : "") +
                                           ". A stronger tint is a higher number.");
}

}  // namespace

std::string sweep_section(const Data& data) {
  if (data.axes.empty()) return "";
  std::string text = "<section id=\"sweep\"><h2>Effects of the axes</h2>\n";
  if (!data.row) return text + "<p>No metric to show them by; name one with --metric.</p></section>\n";
  const MetricRow& chosen = data.collected.rows[*data.row];
  const RunValues values = run_values(chosen);
  const std::vector<Run> runs = runs_with(data, values);
  std::string plots;
  for (const auto& axis : data.axes) {
    const std::string one = effect_of(data, chosen, values, runs, axis, true);
    if (!one.empty()) plots += "<div>" + one + "</div>\n";
  }
  if (plots.empty()) return text + "<p>No axis has two values with a result.</p></section>\n";
  text += "<div class=\"plots\">" + plots + "</div>\n";
  std::size_t pairs = 0;
  for (std::size_t a = 0; a < data.axes.size(); ++a) {
    for (std::size_t b = a + 1; b < data.axes.size() && pairs < kMostPairs; ++b) {
      const std::string heat = heat_of(data, chosen, values, runs, data.axes[a], data.axes[b]);
      pairs += !heat.empty();
      text += heat;
    }
  }
  std::string others;
  std::size_t count = 0;
  for (const auto& row : data.collected.rows) {
    if (&row == &chosen || ++count > kMostMetrics) continue;
    const RunValues of_row = run_values(row);
    const std::vector<Run> with = runs_with(data, of_row);
    for (const auto& axis : data.axes) others += effect_of(data, row, of_row, with, axis, false);
  }
  if (count > kMostMetrics) others += "<p>" + counted(count - kMostMetrics, "further metric") + " not drawn.</p>";
  if (!others.empty()) {
    text += details("The other metrics (" + std::to_string(std::min(count, kMostMetrics)) + ")",
                    "<div class=\"plots\">" + others + "</div>\n");
  }
  return text + "</section>\n";
}

}  // namespace temper::report
