// Tables as text (see text_table.h).
#include "host/compare/text_table.h"

#include <cmath>
#include <cstdio>
#include <string_view>

namespace temper {
namespace {

std::string with_prefix(const std::string& text, const std::string& special, const std::string& prefix) {
  std::string result;
  for (const char c : text) {
    if (special.find(c) != std::string::npos) result += prefix;
    result += c;
  }
  return result;
}

}  // namespace

double without_rounding(double value) { return std::abs(value) < 1e-12 ? 0.0 : value; }

std::string number_text(double value, const char* format) {
  if (std::isnan(value)) return "-";
  char text[48];
  std::snprintf(text, sizeof text, format, std::string_view(format) == "%.17g" ? value : without_rounding(value));
  return text;
}

std::string p_value_text(double p) { return p < 0.001 ? "<0.001" : number_text(p, "%.3f"); }

const char* better_text(Better better) {
  return better == Better::kHigher ? "higher" : better == Better::kLower ? "lower" : "";
}

std::string padded(const std::string& text, std::size_t width) {
  return text.size() >= width ? text : text + std::string(width - text.size(), ' ');
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  return "\"" + with_prefix(text, "\"", "\"") + "\"";
}

std::string as_csv(const TextTable& table) {
  std::string text;
  const auto add = [&](const std::vector<std::string>& fields) {
    for (std::size_t i = 0; i < fields.size(); ++i) text += (i > 0 ? "," : "") + csv_field(fields[i]);
    text += "\n";
  };
  add(table.header);
  for (const auto& row : table.rows) add(row);
  return text;
}

std::string as_markdown(const TextTable& table) {
  std::string text = "|";
  for (const auto& name : table.header) text += " " + name + " |";
  text += "\n|";
  for (const bool is_text : table.is_text) text += is_text ? " --- |" : " ---: |";
  text += "\n";
  for (const auto& row : table.rows) {
    text += "|";
    for (const auto& field : row) text += " " + with_prefix(field, "|", "\\") + " |";
    text += "\n";
  }
  return text;
}

std::string as_latex(const TextTable& table) {
  std::string text = "\\begin{tabular}{";
  for (const bool is_text : table.is_text) text += is_text ? "l" : "r";
  text += "}\n\\hline\n";
  const auto add = [&](const std::vector<std::string>& fields) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      text += (i > 0 ? " & " : "") + with_prefix(fields[i], "_%&#$", "\\");
    }
    text += " \\\\\n";
  };
  add(table.header);
  text += "\\hline\n";
  for (const auto& row : table.rows) add(row);
  return text + "\\hline\n\\end{tabular}\n";
}

}  // namespace temper
