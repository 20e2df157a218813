// SVG plots (see plot.h).
#include "host/report/plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "host/report/html.h"

namespace temper::report {
namespace {

constexpr double kWidth = 420, kHeight = 260;
constexpr double kLeft = 62, kRight = 30, kTop = 12, kBottom = 44;
constexpr int kColours = 8;
constexpr std::size_t kLabelLength = 14;

std::string at(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  std::string result = text;
  if (result.ends_with(".0")) result.resize(result.size() - 2);
  return result;
}

/// From numbers to places in the drawing.
struct Scale {
  double low = 0, high = 1, start = 0, end = 1;
  double operator()(double value) const { return start + (value - low) / (high - low) * (end - start); }
};

Scale scale_over(double low, double high, double start, double end) {
  if (low == high) {
    const double room = low == 0 ? 1 : std::abs(low) * 0.1;
    low -= room;
    high += room;
  }
  return {low, high, start, end};
}

std::string text_at(double x, double y, const std::string& text, const char* anchor, const char* extra = "") {
  return "<text x=\"" + at(x) + "\" y=\"" + at(y) + "\" text-anchor=\"" + anchor + "\"" + extra + ">" + escape(text) +
         "</text>";
}

std::string line_at(double x1, double y1, double x2, double y2, const char* kind) {
  return "<line x1=\"" + at(x1) + "\" y1=\"" + at(y1) + "\" x2=\"" + at(x2) + "\" y2=\"" + at(y2) + "\" class=\"" + kind +
         "\"/>";
}

std::string open_svg(const std::string& label, double width, double height) {
  return "<svg viewBox=\"0 0 " + at(width) + " " + at(height) + "\" role=\"img\" aria-label=\"" + escape(label) + "\">";
}

std::string shortened(const std::string& text, std::size_t most = kLabelLength) {
  if (text.size() <= most) return text;
  return text.substr(0, most - 1) + "\xE2\x80\xA6";
}

/// A tick's number with as many digits as the distance to the next one needs.
std::string tick_text(double value, const std::vector<double>& all) {
  const double step = all.size() > 1 ? all[1] - all[0] : 0;
  const double largest = std::max(std::abs(all.front()), std::abs(all.back()));
  if (!(step > 0) || largest >= 1e5 || step < 1e-4) return number(value);
  const int digits = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

/// The frame that lines and dots share: horizontal grid lines, numbers beside them, both names.
std::string y_axis(const Scale& y, const std::string& x_name, const std::string& y_name) {
  std::string svg;
  const auto marks = ticks(y.low, y.high, 5);
  for (const double tick : marks) {
    svg += line_at(kLeft, y(tick), kWidth - kRight, y(tick), "grid") +
           text_at(kLeft - 6, y(tick) + 4, tick_text(tick, marks), "end");
  }
  svg += line_at(kLeft, kHeight - kBottom, kWidth - kRight, kHeight - kBottom, "axis");
  svg += text_at((kLeft + kWidth - kRight) / 2, kHeight - 6, x_name, "middle");
  svg += "<text transform=\"translate(12 " + at((kTop + kHeight - kBottom) / 2) + ") rotate(-90)\" text-anchor=\"middle\">" +
         escape(y_name) + "</text>";
  return svg;
}

std::string style_of(int line) { return "c" + std::to_string(line % kColours) + " d" + std::to_string(line / kColours % 4); }

/// Numbers at the ends of lines, moved apart where they would lie on one another.
std::string end_labels(const std::vector<PlotLine>& lines, const Scale& x, const Scale& y) {
  constexpr double kApart = 11;
  std::vector<std::pair<double, const PlotLine*>> ends;
  for (const auto& line : lines) {
    if (!line.points.empty()) ends.emplace_back(y(line.points.back().y), &line);
  }
  std::sort(ends.begin(), ends.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 1; i < ends.size(); ++i) ends[i].first = std::max(ends[i].first, ends[i - 1].first + kApart);
  double limit = kHeight - kBottom;
  for (std::size_t i = ends.size(); i-- > 0; limit -= kApart) {
    ends[i].first = std::min(ends[i].first, limit);
    limit = ends[i].first;
  }
  std::string svg;
  for (const auto& [place, line] : ends) {
    svg += "<text x=\"" + at(std::min(x(line->points.back().x) + 5, kWidth - kRight + 5)) + "\" y=\"" + at(place + 4) +
           "\" class=\"n c" + std::to_string(line->number % kColours) + "\">" + std::to_string(line->number + 1) + "</text>";
  }
  return svg;
}

}  // namespace

std::vector<double> ticks(double low, double high, int about) {
  const double rough = (high - low) / about;
  if (!(rough > 0) || !std::isfinite(rough)) return {low};
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double part = rough / power;
  const double step = power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
  std::vector<double> result;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + step * 1e-9; ++i) result.push_back(i == 0 ? 0 : i * step);
  return result;
}

std::vector<PlotPoint> thinned(const std::vector<PlotPoint>& points, bool has_band, std::size_t most) {
  if (points.size() <= most || most < 2) return points;
  const std::size_t stretches = has_band ? most : most / 2;
  std::vector<PlotPoint> result;
  for (std::size_t s = 0; s < stretches; ++s) {
    const auto first = points.begin() + static_cast<std::ptrdiff_t>(s * points.size() / stretches);
    const auto last = points.begin() + static_cast<std::ptrdiff_t>((s + 1) * points.size() / stretches);
    if (first == last) continue;
    const auto [low, high] = std::minmax_element(first, last, [](const auto& a, const auto& b) { return a.y < b.y; });
    if (!has_band) {
      result.push_back(*std::min(low, high));
      if (low != high) result.push_back(*std::max(low, high));
      continue;
    }
    PlotPoint middle = *(first + (last - first) / 2);
    for (auto point = first; point != last; ++point) {
      middle.low = std::min(middle.low, point->low);
      middle.high = std::max(middle.high, point->high);
    }
    result.push_back(middle);
  }
  return result;
}

std::string draw_lines(const std::string& label, const std::string& x_name, const std::string& y_name,
                       const std::vector<PlotLine>& lines) {
  double x_low = HUGE_VAL, x_high = -HUGE_VAL, y_low = HUGE_VAL, y_high = -HUGE_VAL;
  for (const auto& line : lines) {
    for (const auto& point : line.points) {
      x_low = std::min(x_low, point.x);
      x_high = std::max(x_high, point.x);
      y_low = std::min({y_low, point.y, line.has_band ? point.low : point.y});
      y_high = std::max({y_high, point.y, line.has_band ? point.high : point.y});
    }
  }
  if (x_low > x_high) x_low = x_high = y_low = y_high = 0;
  const Scale x = scale_over(x_low, x_high, kLeft, kWidth - kRight);
  const Scale y = scale_over(y_low, y_high, kHeight - kBottom, kTop);
  std::string svg = open_svg(label, kWidth, kHeight) + y_axis(y, x_name, y_name);
  const auto marks = ticks(x.low, x.high, 5);
  for (const double tick : marks) svg += text_at(x(tick), kHeight - kBottom + 16, tick_text(tick, marks), "middle");
  for (const auto& line : lines) {
    if (!line.has_band || line.points.size() < 2) continue;
    std::string path;
    for (const auto& point : line.points) path += (path.empty() ? "M" : "L") + at(x(point.x)) + " " + at(y(point.high));
    for (auto point = line.points.rbegin(); point != line.points.rend(); ++point) {
      path += "L" + at(x(point->x)) + " " + at(y(point->low));
    }
    svg += "<path class=\"band c" + std::to_string(line.number % kColours) + "\" d=\"" + path + "Z\"/>";
  }
  for (const auto& line : lines) {
    if (line.points.size() == 1) {
      const auto& point = line.points.front();
      svg += "<circle class=\"dot c" + std::to_string(line.number % kColours) + "\" cx=\"" + at(x(point.x)) + "\" cy=\"" +
             at(y(point.y)) + "\" r=\"3\"/>";
      continue;
    }
    std::string path;
    for (const auto& point : line.points) path += (path.empty() ? "M" : "L") + at(x(point.x)) + " " + at(y(point.y));
    if (!path.empty()) svg += "<path class=\"line " + style_of(line.number) + "\" d=\"" + path + "\"/>";
  }
  if (lines.size() > 1) svg += end_labels(lines, x, y);
  return svg + "</svg>";
}

std::string draw_dots(const std::string& label, const std::string& x_name, const std::string& y_name,
                      const std::vector<PlotDot>& dots) {
  double low = HUGE_VAL, high = -HUGE_VAL;
  const auto take = [&](double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  };
  for (const auto& dot : dots) {
    take(dot.value);
    take(dot.low);
    take(dot.high);
    for (const double run : dot.runs) take(run);
  }
  if (low > high) low = high = 0;
  const double room = (high - low) * 0.06;
  const Scale y = scale_over(low - room, high + room, kHeight - kBottom, kTop);
  const double slot = (kWidth - kLeft - kRight) / static_cast<double>(std::max<std::size_t>(dots.size(), 1));
  // Names that would touch are written at every second, third ... place only; the table below the plot has them all.
  const auto every = static_cast<std::size_t>(std::max(1.0, std::ceil(44 / slot)));
  std::string svg = open_svg(label, kWidth, kHeight) + y_axis(y, x_name, y_name);
  for (std::size_t i = 0; i < dots.size(); ++i) {
    const auto& dot = dots[i];
    const double x = kLeft + slot * (static_cast<double>(i) + 0.5);
    if (i % every == 0) svg += text_at(x, kHeight - kBottom + 16, shortened(dot.name), "middle");
    const double aside = std::min(9.0, slot / 3);
    for (const double run : dot.runs) {
      if (!std::isfinite(run)) continue;
      svg += "<circle class=\"run\" cx=\"" + at(x + aside) + "\" cy=\"" + at(y(run)) + "\" r=\"2\"/>";
    }
    if (!std::isfinite(dot.value)) continue;
    if (std::isfinite(dot.low) && std::isfinite(dot.high)) {
      svg += line_at(x, y(dot.low), x, y(dot.high), "whisker") + line_at(x - 4, y(dot.low), x + 4, y(dot.low), "whisker") +
             line_at(x - 4, y(dot.high), x + 4, y(dot.high), "whisker");
    }
    svg += "<circle class=\"dot c0\" cx=\"" + at(x) + "\" cy=\"" + at(y(dot.value)) + "\" r=\"4\"/>";
  }
  return svg + "</svg>";
}

std::string draw_bars(const std::string& label, const std::string& x_name, const std::vector<PlotBar>& bars) {
  constexpr double kNames = 178, kSums = 56, kRow = 20, kBar = 13;
  double most = 0;
  std::vector<double> sums;
  for (const auto& bar : bars) {
    double sum = 0;
    for (const double part : bar.parts) sum += part;
    sums.push_back(sum);
    most = std::max(most, sum);
  }
  const Scale x = scale_over(0, most == 0 ? 1 : most, kNames, kWidth - kSums);
  const double bottom = kTop + kRow * static_cast<double>(bars.size());
  std::string svg = open_svg(label, kWidth, bottom + 28) + line_at(kNames, kTop, kNames, bottom, "axis");
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const double top = kTop + kRow * static_cast<double>(i);
    svg += text_at(kNames - 6, top + kBar - 2, shortened(bars[i].name, 26), "end");
    double from = 0;
    for (std::size_t part = 0; part < bars[i].parts.size(); ++part) {
      const double to = from + bars[i].parts[part];
      svg += "<rect class=\"dot c" + std::to_string(part % kColours) + "\" x=\"" + at(x(from)) + "\" y=\"" + at(top) +
             "\" width=\"" + at(x(to) - x(from)) + "\" height=\"" + at(kBar) + "\"/>";
      from = to;
    }
    svg += text_at(x(sums[i]) + 4, top + kBar - 2, number(sums[i]), "start");
  }
  return svg + text_at((kNames + kWidth - kSums) / 2, bottom + 20, x_name, "middle") + "</svg>";
}

std::string draw_heat(const std::string& label, const HeatMap& map) {
  constexpr double kCellWidth = 76, kCellHeight = 30, kNames = 110;
  double low = HUGE_VAL, high = -HUGE_VAL;
  for (const auto& row : map.values) {
    for (const double value : row) {
      if (!std::isfinite(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  const double width = kNames + kCellWidth * static_cast<double>(map.columns.size()) + 8;
  const double height = 46 + kCellHeight * static_cast<double>(map.rows.size()) + 4;
  std::string svg = open_svg(label, width, height);
  svg.insert(4, " style=\"max-width:" + at(width * 1.15) + "px\"");
  svg += text_at(kNames + kCellWidth * static_cast<double>(map.columns.size()) / 2, 14, map.column_name, "middle");
  svg += text_at(kNames - 8, 36, map.row_name, "end");
  for (std::size_t c = 0; c < map.columns.size(); ++c) {
    svg += text_at(kNames + kCellWidth * (static_cast<double>(c) + 0.5), 36, shortened(map.columns[c]), "middle");
  }
  for (std::size_t r = 0; r < map.rows.size(); ++r) {
    const double top = 46 + kCellHeight * static_cast<double>(r);
    svg += text_at(kNames - 8, top + 19, shortened(map.rows[r]), "end");
    for (std::size_t c = 0; c < map.columns.size(); ++c) {
      const double left = kNames + kCellWidth * static_cast<double>(c), value = map.values[r][c];
      const double share = !std::isfinite(value) ? 0 : high > low ? (value - low) / (high - low) : 0.5;
      // The tint stays weak enough for the page's text colour to be read on it, light or dark.
      svg += "<rect class=\"tile\" x=\"" + at(left + 1) + "\" y=\"" + at(top + 1) + "\" width=\"" + at(kCellWidth - 2) +
             "\" height=\"" + at(kCellHeight - 2) + "\" fill-opacity=\"" +
             (std::isfinite(value) ? number(share * 0.45) : "0") + "\"/>";
      svg += text_at(left + kCellWidth / 2, top + 19, std::isfinite(value) ? number(value) : "none", "middle");
    }
  }
  return svg + "</svg>";
}

}  // namespace temper::report
