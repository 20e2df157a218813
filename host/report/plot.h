// Plots as inline SVG: lines over steps, dots with intervals, bars, a heat map with its numbers. Every plot has a role and a
// label; lines differ by dash and by the number at their end as well as by colour. Colours come from the page's style sheet.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace temper::report {

struct PlotPoint {
  double x = 0, y = 0;
  double low = 0, high = 0;  ///< of the band; both equal y where there is none
};

struct PlotLine {
  std::vector<PlotPoint> points;
  bool has_band = false;
  int number = 0;  ///< shown at its end; gives colour and dash
};

/// At most `most` points: every stretch keeps its lowest and its highest, so that spikes stay; of a band, its widest reach.
std::vector<PlotPoint> thinned(const std::vector<PlotPoint>& points, bool has_band, std::size_t most);

/// Points that are not finite have to be gone.
std::string draw_lines(const std::string& label, const std::string& x_name, const std::string& y_name,
                       const std::vector<PlotLine>& lines);

struct PlotDot {
  std::string name;
  double value = 0, low = 0, high = 0;  ///< NaN bounds: no interval
  std::vector<double> runs;             ///< single runs, drawn small
};
std::string draw_dots(const std::string& label, const std::string& x_name, const std::string& y_name,
                      const std::vector<PlotDot>& dots);

struct PlotBar {
  std::string name;
  std::vector<double> parts;  ///< side by side, each in a colour of its own; none below 0
};
/// Lying bars, one below the other, with their sums written behind them.
std::string draw_bars(const std::string& label, const std::string& x_name, const std::vector<PlotBar>& bars);

struct HeatMap {
  std::string row_name, column_name;
  std::vector<std::string> rows, columns;
  std::vector<std::vector<double>> values;  ///< [row][column]; NaN: none
};
std::string draw_heat(const std::string& label, const HeatMap& map);

/// Round numbers from about `low` to about `high`.
std::vector<double> ticks(double low, double high, int about);

}  // namespace temper::report
