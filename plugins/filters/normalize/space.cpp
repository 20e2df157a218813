// One walk over the text (see space.h), which jumps from one blank or newline to the next.
#include "space.h"

#include <algorithm>

namespace temper::filters {
namespace {

constexpr std::string_view kType = "whitespace";

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// The next byte at or after `at` that may begin something to change: a blank before a blank or newline, or two newlines.
/// Goes through blocks without branches first, which the compiler turns into vector instructions.
std::size_t next_place(std::string_view text, std::size_t at) {
  constexpr std::size_t kBlock = 64;
  const auto* s = reinterpret_cast<const unsigned char*>(text.data());
  const auto interesting = [](unsigned char a, unsigned char b) {
    const auto flag = [](bool is) { return static_cast<unsigned char>(is); };
    const unsigned char blank = flag(a == ' ') | flag(a == '\t'), line = flag(b == '\n');
    return static_cast<unsigned char>((blank & (line | flag(b == ' ') | flag(b == '\t'))) | (flag(a == '\n') & line));
  };
  for (; at + kBlock < text.size(); at += kBlock) {
    unsigned char any = 0;
    for (std::size_t i = 0; i < kBlock; ++i) any |= interesting(s[at + i], s[at + i + 1]);
    if (any != 0) break;
  }
  for (; at < text.size(); ++at) {
    // The text's end counts as a line's end.
    if (interesting(s[at], at + 1 < text.size() ? s[at + 1] : static_cast<unsigned char>('\n')) != 0) return at;
  }
  return at;
}

std::size_t behind_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && is_blank(text[at])) ++at;
  return at;
}

/// Newlines from `at` on, with blanks between them if those go anyway. Returns where they end.
std::size_t tidy_newlines(std::string_view text, std::size_t at, const SpaceRules& rules, Edits& edits) {
  for (std::int64_t count = 0; at < text.size() && text[at] == '\n';) {
    ++count;
    if (rules.max_newlines > 0 && count > rules.max_newlines) remove_bytes(edits, at, at + 1, kType);
    ++at;
    if (!rules.trim_lines) continue;
    const std::size_t end = behind_blanks(text, at);
    if (end == at || (end < text.size() && text[end] != '\n')) continue;
    remove_bytes(edits, at, end, kType);
    at = end;
  }
  return at;
}

/// A run of blanks with text behind it.
void tidy_blanks(std::string_view text, std::size_t begin, std::size_t end, const SpaceRules& rules, Edits& edits) {
  if (!rules.collapse) return;
  if (rules.keep_indent && (begin == 0 || text[begin - 1] == '\n')) return;
  for (std::size_t at = begin; at < end;) {
    std::size_t next = at + 1;
    while (next < end && text[at] == ' ' && text[next] == ' ') ++next;
    if (next > at + 1) remove_bytes(edits, at + 1, next, kType);
    at = next;
  }
}

}  // namespace

Edits space_edits(std::string_view text, const SpaceRules& rules) {
  Edits edits;
  for (std::size_t at = next_place(text, 0); at < text.size(); at = next_place(text, at)) {
    if (text[at] == '\n') {
      at = tidy_newlines(text, at, rules, edits);
      continue;
    }
    // The block before may have ended inside a run.
    std::size_t begin = at;
    while (begin > 0 && is_blank(text[begin - 1]) && (edits.empty() || begin > edits.back().end)) --begin;
    const std::size_t end = behind_blanks(text, at);
    if (end < text.size() && text[end] != '\n') {
      tidy_blanks(text, begin, end, rules, edits);
      at = end;
      continue;
    }
    if (rules.trim_lines) remove_bytes(edits, begin, end, kType);
    at = end;
    if (at < text.size()) at = tidy_newlines(text, at, rules, edits);
  }
  return edits;
}

}  // namespace temper::filters
