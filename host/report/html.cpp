// Escaping and small pieces of markup (see html.h).
#include "host/report/html.h"

#include <cmath>
#include <cstdio>

#include "host/compare/text_table.h"

namespace temper::report {
namespace {

constexpr std::uint32_t kBad = 0xFFFD;

/// One character from `text` at `at`, which moves on; kBad for a byte that begins no valid one.
std::uint32_t next_character(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) {
    ++at;
    return first;
  }
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + length > text.size()) {
    ++at;
    return kBad;
  }
  std::uint32_t value = first & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) {
      ++at;
      return kBad;
    }
    value = value << 6 | (byte(at + i) & 0x3FU);
  }
  const bool too_long = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  if (too_long || (value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF) {
    ++at;
    return kBad;
  }
  at += length;
  return value;
}

bool is_forbidden(std::uint32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xFFFE || c == 0xFFFF;
}

/// Marks that turn the direction of what follows would reorder the page around a text; they are shown as replaced.
bool turns_direction(std::uint32_t c) { return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069); }

std::string formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

/// `most` characters of `text`, escaped; `all` counts all of them.
std::string escape_some(std::string_view text, std::size_t most, std::size_t& all) {
  std::string result;
  result.reserve(std::min(text.size(), most) + 16);
  all = 0;
  for (std::size_t at = 0; at < text.size(); ++all) {
    const std::size_t start = at;
    const std::uint32_t c = next_character(text, at);
    if (all >= most) continue;
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '"') {
      result += "&quot;";
    } else if (c == '\'') {
      result += "&#39;";
    } else if (c == kBad || is_forbidden(c) || turns_direction(c)) {
      result += "\xEF\xBF\xBD";
    } else {
      result += text.substr(start, at - start);
    }
  }
  return result;
}

}  // namespace

std::string escape(std::string_view text) {
  std::size_t all = 0;
  return escape_some(text, text.size(), all);
}

std::string escape_cut(std::string_view text, std::size_t most) {
  std::size_t all = 0;
  const std::string start = escape_some(text, most, all);
  if (all <= most) return start;
  return start + " <em>&#8230; cut: " + std::to_string(most) + " of " + std::to_string(all) + " characters</em>";
}

std::string first_and_last_lines(std::string_view text, std::size_t most) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  const std::size_t first = text.find('\n');
  if (text.size() <= most || first == std::string_view::npos) return std::string(text);
  // The last line is shown in any case.
  std::size_t begin = text.rfind('\n') + 1;
  while (begin > first + 1) {
    const std::size_t before = text.rfind('\n', begin - 2) + 1;
    if (first + text.size() - before > most) break;
    begin = before;
  }
  if (begin == first + 1) return std::string(text);
  return std::string(text.substr(0, first)) + "\n...\n" + std::string(text.substr(begin));
}

std::string number(double value) {
  if (std::isnan(value)) return "none";
  const double size = std::abs(value);
  // Counts of thousands are read whole; an exponent there helps nobody.
  return formatted(size >= 1000 && size < 1e9 ? "%.0f" : "%.4g", without_rounding(value));
}
std::string signed_number(double value) { return std::isnan(value) ? "none" : formatted("%+.3g", without_rounding(value)); }

std::string interval(double low, double high) {
  if (std::isnan(low) || std::isnan(high)) return "";
  return "[" + formatted("%.3g", without_rounding(low)) + ", " + formatted("%.3g", without_rounding(high)) + "]";
}

std::string p_text(double p) { return p < 0.001 ? "p < 0.001" : "p = " + formatted("%.3f", p); }

std::string counted(std::size_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many.empty() ? one + "s" : many);
}

std::string breakable(std::string_view text) {
  std::string result;
  for (std::size_t i = 0, start = 0; i < text.size(); ++i) {
    const bool is_last = i + 1 == text.size();
    if (!is_last && std::string_view("._=/").find(text[i]) == std::string_view::npos) continue;
    result += escape(text.substr(start, i + 1 - start)) + (is_last ? "" : "<wbr/>");
    start = i + 1;
  }
  return result;
}

std::string head_cell(const std::string& text, const char* scope) {
  return std::string("<th scope=\"") + scope + "\">" + breakable(text) + "</th>";
}

std::string cell(const std::string& text) { return "<td>" + escape(text) + "</td>"; }

std::string table(const std::string& caption, const std::string& head, const std::string& body) {
  // The box can be reached and scrolled by keyboard, so it needs a name.
  return "<div class=\"box\" tabindex=\"0\" role=\"region\" aria-label=\"" + escape(caption) + "\"><table><caption>" +
         escape(caption) + "</caption>\n<thead><tr>" + head + "</tr></thead>\n<tbody>\n" + body + "</tbody></table></div>\n";
}

std::string details(const std::string& summary, const std::string& body) {
  return "<details><summary>" + escape(summary) + "</summary>\n" + body + "</details>\n";
}

std::string figure(const std::string& svg, const std::string& caption) {
  return "<figure>" + svg + "<figcaption>" + escape(caption) + "</figcaption></figure>\n";
}

}  // namespace temper::report
