// One rule after the other over the lines, again until nothing is found (see boilerplate.h): a menu may only be seen once
// what stood between its lines is gone.
#include "boilerplate.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "edits.h"
#include "licence.h"
#include "lines.h"
#include "navigation.h"
#include "utf8.h"

namespace temper::filters {
namespace {

constexpr int kRounds = 8;

/// All but the first of lines that stand there `least` times. Not short ones, nor those that end with a colon: a play
/// repeats its speakers. Nor indented ones: a program or a poem repeats what it means.
void find_repeated_lines(std::string_view text, const std::vector<LineSpan>& lines, std::size_t least, double least_share,
                         std::size_t least_chars, std::vector<bool>& gone) {
  std::unordered_map<std::string_view, std::size_t> counts;
  const auto line_at = [&](std::size_t i) {
    const std::string_view line = text.substr(lines[i].begin, lines[i].end - lines[i].begin);
    const bool indented = !line.empty() && (line[0] == ' ' || line[0] == '\t');
    const std::string_view inner = trimmed(line);
    const bool counts_as_one = !indented && !inner.ends_with(':') && inner.size() >= least_chars &&
                               (inner.size() >= 4 * least_chars || count_chars(inner) >= least_chars);
    return counts_as_one ? inner : std::string_view();
  };
  std::size_t all = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (gone[i] || lines[i].end == lines[i].begin) continue;
    ++all;
    if (const auto line = line_at(i); !line.empty()) ++counts[line];
  }
  // A book may say something three times.
  least = std::max(least, static_cast<std::size_t>(std::ceil(least_share * static_cast<double>(all))));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto line = line_at(i);
    if (gone[i] || line.empty()) continue;
    auto& count = counts[line];
    if (count == 0) {
      gone[i] = true;
    } else if (count >= least) {
      count = 0;  // the first one stays
    }
  }
}

}  // namespace

ParamTable<BoilerplateParams> boilerplate_params() {
  using P = BoilerplateParams;
  ParamTable<P> table;
  table.add("licences", &P::licences, "Take out licences of source code and open-source licences in plain text.");
  table.add("gutenberg", &P::gutenberg, "Take out Project Gutenberg's headers and footers.");
  table.add("navigation", &P::navigation, "Take out menus, buttons such as Read more, and notices about cookies.");
  table.add("copyright_lines", &P::copyright_lines, "Take out copyright lines.");
  table.add("repeated_lines", &P::repeated_lines, "Take out lines that the document repeats, all but the first.");
  table.add("min_repeats", &P::min_repeats, "How often a line has to stand in a document to be a repeated one.",
            {.min = 2, .max = 1000000});
  table.add("min_repeated_share", &P::min_repeated_share, "And which share of the document's lines it has to be.",
            {.min = 0, .max = 1});
  table.add("min_repeated_chars", &P::min_repeated_chars, "Shorter lines may be repeated.",
            {.min = 1, .max = 100000, .unit = "characters"});
  return table;
}

FilterResult Boilerplate::judge(const Document& document) const {
  Rewriting rewriting(document.text);
  for (int round = 0; round < kRounds; ++round) {
    const std::string_view text = rewriting.text();
    const auto lines = lines_of(text);
    std::vector<bool> gone(lines.size());
    std::vector<std::string_view> types(lines.size());
    const auto name = [&](std::string_view type) {
      for (std::size_t i = 0; i < lines.size(); ++i) {
        if (gone[i] && types[i].empty()) types[i] = type;
      }
    };
    if (params_.gutenberg) find_gutenberg_parts(text, lines, gone);
    if (params_.licences) find_code_licences(text, lines, gone);
    name("licence");
    if (params_.navigation) find_navigation(text, lines, gone);
    name("navigation");
    if (params_.copyright_lines) find_copyright_lines(text, lines, gone);
    name("copyright");
    if (params_.repeated_lines) {
      find_repeated_lines(text, lines, static_cast<std::size_t>(params_.min_repeats), params_.min_repeated_share,
                          static_cast<std::size_t>(params_.min_repeated_chars), gone);
    }
    name("repeated_line");
    Edits edits;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (gone[i]) remove_bytes(edits, lines[i].begin, lines[i].next, types[i]);
    }
    if (!rewriting.take(std::move(edits))) break;
  }
  return result_of(document.text, rewriting.edits());
}

}  // namespace temper::filters
