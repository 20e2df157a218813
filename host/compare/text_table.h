// Rows of texts as CSV, Markdown and LaTeX, and numbers as texts: what the views of a comparison share.
#pragma once

#include <string>
#include <vector>

#include "temper/metrics.h"

namespace temper {

struct TextTable {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  std::vector<bool> is_text;  ///< of each column: texts stand left, numbers right
};

/// Differences and deviations of equal numbers leave 1e-16 or so, which people read as 0.
double without_rounding(double value);
/// "-" for what is not a number. All formats but the exact one, %.17g, are without_rounding().
std::string number_text(double value, const char* format = "%.4g");
/// "<0.001" or three decimals.
std::string p_value_text(double p);
/// "higher", "lower", or nothing where neither is better.
const char* better_text(Better better);
std::string padded(const std::string& text, std::size_t width);

/// Fields with commas, quotes or line ends are quoted (RFC 4180).
std::string csv_field(const std::string& text);
std::string as_csv(const TextTable& table);
std::string as_markdown(const TextTable& table);
std::string as_latex(const TextTable& table);

}  // namespace temper
