// Learning curves: a plot for every stage and logged metric, with a line a run, or a line and a band for several seeds of
// one cell. Runs that share a stage share its line. Logs are read here, and only those that are drawn.
#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "host/report/html.h"
#include "host/report/plot.h"
#include "host/report/sections.h"

namespace temper::report {
namespace {

constexpr std::size_t kMostPoints = 400;     ///< of a line
constexpr std::size_t kMostLines = 12;       ///< of a plot
constexpr std::size_t kMostPlots = 200;      ///< of the page
constexpr std::size_t kAllPoints = 400'000;  ///< of the page, about 5 MB

/// Runs whose lines belong together: the same cell.
struct Group {
  std::string name;
  std::vector<const Run*> runs;
};

/// Cells in the order of the best run in them by the chosen metric, else as they came.
std::vector<Group> groups_of(const Data& data) {
  std::vector<Group> groups;
  std::map<std::string, std::size_t> places;
  for (const auto& run : data.runs) {
    const auto [place, is_new] = places.emplace(run.cell, groups.size());
    if (is_new) groups.push_back({run.cell, {}});
    groups[place->second].runs.push_back(&run);
  }
  if (!data.row) return groups;
  const MetricRow& row = data.collected.rows[*data.row];
  const double sign = row.spec.better == Better::kLower ? 1 : -1;
  std::map<std::string, double> values;
  for (const auto& [column, found] : row.cells) {
    for (const auto& [run, value] : found.run_values) values[run] = sign * value;
  }
  const auto rank = [&](const Group& group) {
    double best = HUGE_VAL;
    for (const auto* run : group.runs) {
      if (const auto found = values.find(run->id); found != values.end()) best = std::min(best, found->second);
    }
    return best;
  };
  std::stable_sort(groups.begin(), groups.end(), [&](const Group& a, const Group& b) { return rank(a) < rank(b); });
  return groups;
}

const RunStage* stage_of(const Run& run, const std::string& name) {
  for (const auto& stage : run.stages) {
    if (stage.name == name) return &stage;
  }
  return nullptr;
}

/// A line before it is drawn: its name and the logs behind it.
struct Curve {
  std::string name;
  std::vector<const Run*> runs;
};

/// Groups whose stage was computed once for all (the same cache keys) become one curve.
std::vector<Curve> curves_of(const std::vector<Group>& groups, const std::string& stage, const std::string& metric) {
  std::vector<Curve> curves;
  std::map<std::set<std::string>, std::size_t> places;
  std::map<std::size_t, std::size_t> shared_by;
  for (const auto& group : groups) {
    Curve curve{group.name, {}};
    std::set<std::string> keys;
    for (const auto* run : group.runs) {
      const RunStage* found = stage_of(*run, stage);
      if (found == nullptr || std::find(found->logs.begin(), found->logs.end(), metric) == found->logs.end()) continue;
      // Without a key nothing can be said to be the same, and no two runs are.
      keys.insert(found->summary.cache_key.empty() ? "run " + run->path.string() : found->summary.cache_key);
      curve.runs.push_back(run);
    }
    if (curve.runs.empty()) continue;
    const auto [place, is_new] = places.emplace(keys, curves.size());
    if (is_new) {
      curves.push_back(std::move(curve));
    } else {
      ++shared_by[place->second];
    }
  }
  for (const auto& [place, others] : shared_by) {
    curves[place].name +=
        " and " + counted(others, "other cell") + " that " + (others == 1 ? "shares" : "share") + " this stage";
  }
  return curves;
}

/// Logs of one record are read from one snapshot of it, as long as the same record is asked for.
class Logs {
 public:
  std::vector<LogPoint> read(const Run& run, const std::string& stage, const std::string& metric) {
    return reader(run).log(stage, metric);
  }
  MetricSpec spec(const Run& run, const std::string& stage, const std::string& metric) {
    return reader(run).log_spec(stage, metric);
  }

 private:
  static constexpr std::size_t kMostOpen = 64;
  RecordReader& reader(const Run& run) {
    auto& found = readers_[run.path];
    if (!found) {
      if (readers_.size() > kMostOpen) {
        readers_.clear();
        return *(readers_[run.path] = std::make_unique<RecordReader>(run.path));
      }
      found = std::make_unique<RecordReader>(run.path);
    }
    return *found;
  }
  std::map<std::filesystem::path, std::unique_ptr<RecordReader>> readers_;
};

/// Mean, lowest and highest over the seeds at each step; one run is its own line. `dropped` counts values that are not
/// finite.
PlotLine line_of(const Curve& curve, const std::string& stage, const std::string& metric, Logs& logs, std::size_t most,
                 std::size_t& dropped) {
  struct Sum {
    double total = 0, low = HUGE_VAL, high = -HUGE_VAL;
    int count = 0;
  };
  std::map<std::int64_t, Sum> steps;
  for (const auto* run : curve.runs) {
    for (const auto& point : logs.read(*run, stage, metric)) {
      if (!std::isfinite(point.value)) {
        ++dropped;
        continue;
      }
      Sum& sum = steps[point.step];
      sum.total += point.value;
      sum.low = std::min(sum.low, point.value);
      sum.high = std::max(sum.high, point.value);
      ++sum.count;
    }
  }
  PlotLine line;
  line.has_band = curve.runs.size() > 1;
  std::vector<PlotPoint> points;
  points.reserve(steps.size());
  for (const auto& [step, sum] : steps) {
    points.push_back({static_cast<double>(step), sum.total / sum.count, sum.low, sum.high});
  }
  line.points = thinned(points, line.has_band, most);
  return line;
}

std::string legend(const std::vector<Curve>& curves) {
  if (curves.size() < 2) return "";
  std::string items;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    items += "<li class=\"c" + std::to_string(i % 8) + "\"><span>" + escape(curves[i].name) + "</span>" +
             (curves[i].runs.size() > 1 ? " (" + counted(curves[i].runs.size(), "seed") + ")" : "") + "</li>";
  }
  return "<ol class=\"legend\">" + items + "</ol>";
}

std::string plot_of(const Data& data, const std::vector<Group>& groups, const std::string& stage, const std::string& metric,
                    Logs& logs, std::size_t most) {
  std::vector<Curve> curves = curves_of(groups, stage, metric);
  if (curves.empty()) return "";
  const std::size_t all = curves.size();
  if (all > kMostLines) curves.resize(kMostLines);
  std::vector<PlotLine> lines;
  std::size_t dropped = 0;
  bool has_band = false;
  for (const auto& curve : curves) {
    lines.push_back(line_of(curve, stage, metric, logs, most, dropped));
    lines.back().number = static_cast<int>(lines.size()) - 1;
    has_band = has_band || lines.back().has_band;
  }
  const MetricSpec spec = logs.spec(*curves.front().runs.front(), stage, metric);
  std::string caption = stage + ": " + metric + (spec.unit.empty() ? "" : " in " + spec.unit);
  std::string label = caption + " over steps, " + counted(lines.size(), "line") + ".";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].points.empty()) continue;
    label += " " + (curves[i].name.empty() ? "It" : curves[i].name) + " ends at " + number(lines[i].points.back().y) + ".";
  }
  if (!spec.doc.empty()) caption += ". " + spec.doc;
  if (curves.size() == 1 && groups.size() > 1) caption += " Of " + curves.front().name + ".";
  if (has_band) caption += " Line: mean over seeds; band: lowest to highest.";
  if (all > kMostLines) {
    caption += " " + std::to_string(kMostLines) + " of " + std::to_string(all) + " lines" +
               (data.row ? ", the best by the chosen metric." : ", the first ones.");
  }
  if (dropped > 0)
    caption += " " + counted(dropped, "value") + " that " + (dropped == 1 ? "is" : "are") + " not finite left out.";
  return "<figure>" + draw_lines(label, "step", metric, lines) + "<figcaption>" + escape(caption) + legend(curves) +
         "</figcaption></figure>\n";
}

/// What people look at first comes first; the bookkeeping is folded away.
bool is_bookkeeping(const std::string& metric) {
  static const std::set<std::string> names = {"flops", "target_bytes", "target_tokens", "tokens_per_second",
                                              "learning_rate"};
  return names.count(metric) > 0;
}

void add_unique(std::vector<std::string>& list, const std::string& text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
}

}  // namespace

std::string curves_section(const Data& data) {
  const std::vector<Group> groups = groups_of(data);
  std::vector<std::string> stages;
  std::map<std::string, std::vector<std::string>> metrics;
  for (const auto& run : data.runs) {
    for (const auto& stage : run.stages) {
      add_unique(stages, stage.name);
      for (const auto& log : stage.logs) add_unique(metrics[stage.name], log);
    }
  }
  std::size_t plots = 0;
  for (const auto& stage : stages) plots += metrics[stage].size();
  if (plots == 0) return "<section id=\"curves\"><h2>Learning curves</h2>\n<p>No stage has logged anything.</p></section>\n";
  const std::size_t lines = std::min(plots, kMostPlots) * std::min(groups.size(), kMostLines);
  const std::size_t most = std::clamp<std::size_t>(kAllPoints / lines, 50, kMostPoints);
  std::string text = "<section id=\"curves\"><h2>Learning curves</h2>\n<p>At most " + std::to_string(most) +
                     " points a line; of longer logs, every stretch keeps its lowest and its highest value.</p>\n";
  Logs logs;
  std::size_t drawn = 0;
  for (const auto& stage : stages) {
    std::string shown, folded;
    for (const auto& metric : metrics[stage]) {
      if (++drawn > kMostPlots) break;
      (is_bookkeeping(metric) ? folded : shown) += plot_of(data, groups, stage, metric, logs, most);
    }
    if (shown.empty() && folded.empty()) continue;
    text += "<h3>" + escape(stage) + "</h3>\n";
    if (!shown.empty()) text += "<div class=\"plots\">" + shown + "</div>\n";
    if (!folded.empty())
      text += details(stage + ": speed, amounts and schedule", "<div class=\"plots\">" + folded + "</div>\n");
  }
  if (plots > kMostPlots) text += "<p>" + std::to_string(plots - kMostPlots) + " further plots are not drawn.</p>\n";
  return text + "</section>\n";
}

}  // namespace temper::report
