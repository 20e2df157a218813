// Lines, sequences, decisions (see mojibake.h). Work is linear: a line is read again only once for each page that has a
// sequence in it, and a line without any is only passed over.
#include "mojibake.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mojibake_weights.h"
#include "utf8.h"

namespace temper::filters {
namespace {

constexpr double kAlone = 2.5;      // a sequence of this weight is repaired whatever stands around it
constexpr double kTogether = 4;     // so are the better sequences of a line whose weights come to this much
constexpr double kInCompany = 0.5;  // the least weight of a sequence among others
constexpr double kSure = 10, kInSureLine = -2;
constexpr double kNeighbour = -2.5;  // for letters of the same page beside a sequence, which are in none
constexpr double kStranger = -0.5;   // for such letters anywhere in the line
constexpr char32_t kLost = 0xFFFD;

bool is_control(char32_t c) { return c >= 0x80 && c < 0xA0; }

struct Item {
  std::size_t begin = 0, end = 0;
  char32_t code = 0;
  const CodePages::Mapped* mapped = nullptr;
};

/// Items first .. last - 1 are one character of UTF-8 in some page.
struct Unit {
  std::size_t first = 0, last = 0;
  char32_t decoded = 0;
  double weight = 0;
};

/// The characters of a line that are not ASCII, and a space or question mark behind one.
class Line {
 public:
  Line(const CodePages& pages, std::string_view text, std::size_t begin, std::size_t end);
  /// Edits by the page that explains most.
  void repair(Edits& edits) const;
  /// Control characters that are bytes of Windows-1252 or of code page 437.
  void repair_controls(bool dos, Edits& edits) const;

 private:
  std::uint8_t byte(std::size_t at, std::size_t page) const { return items_[at].mapped->bytes[page]; }
  /// Whether item `at` exists and stands right behind the one before.
  bool joined(std::size_t at) const { return at > 0 && at < items_.size() && items_[at - 1].end == items_[at].begin; }
  char32_t char_behind(std::size_t at) const {
    return items_[at].end >= text_.size() ? ' ' : char_at(text_, items_[at].end).code;
  }
  char32_t char_ahead(std::size_t at) const {
    return items_[at].begin == 0 ? ' ' : char_before(text_, items_[at].begin).code;
  }
  /// `spaces`: a plain space may stand for the byte 0xA0, a no-break space that something has replaced.
  std::optional<Unit> unit_at(std::size_t at, std::size_t page, bool spaces) const;
  /// Characters of the page that are in no unit and might have been.
  std::size_t strangers(const std::vector<Unit>& units, std::size_t page) const;
  std::vector<Unit> weighed_units(std::size_t page) const;
  void add_spaced_units(std::size_t page, double gain, std::vector<Unit>& accepted) const;
  bool takes_space(const Unit& unit) const;
  Edit edit_of(const Unit& unit) const;

  const CodePages& pages_;
  std::string_view text_;
  std::vector<Item> items_;
};

Line::Line(const CodePages& pages, std::string_view text, std::size_t begin, std::size_t end) : pages_(pages), text_(text) {
  for (std::size_t at = skip_ascii(text, begin); at < end;) {
    const Char found = char_at(text, at);
    items_.push_back({at, at + found.size, found.code, &pages.mapped(found.code)});
    at += found.size;
    if (at >= end || static_cast<unsigned char>(text[at]) >= 0x80) continue;
    if (text[at] == ' ' || text[at] == '?') {
      const auto c = static_cast<char32_t>(text[at]);
      items_.push_back({at, at + 1, c, &pages.mapped(c)});
    }
    at = skip_ascii(text, at);
  }
}

std::optional<Unit> Line::unit_at(std::size_t at, std::size_t page, bool spaces) const {
  const unsigned lead = byte(at, page);
  if (!is_lead_byte(lead)) return std::nullopt;
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t code = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const std::size_t next = at + i;
    if (!joined(next)) return std::nullopt;
    // A byte that the page does not have was lost; an old program may have put a question mark in its place.
    const bool lost = items_[next].code == kLost || (items_[next].code == '?' && lead == 0xE2 && i == 2);
    if (lost) return i + 1 == length || lead == 0xE2 || i > 1 ? std::optional<Unit>({at, next + 1, kLost}) : std::nullopt;
    const unsigned follow = spaces && items_[next].code == ' ' ? 0xA0 : byte(next, page);
    if (!is_following_byte(follow)) return std::nullopt;
    code = code << 6 | (follow & 0x3FU);
  }
  if ((length == 3 && code < 0x800) || (length == 4 && (code < 0x10000 || code > 0x10FFFF))) return std::nullopt;
  if (code < 0xD800 || code > 0xDFFF) return is_possible(code) ? std::optional<Unit>({at, at + length, code}) : std::nullopt;
  // Halves of a surrogate pair, three bytes each (Unicode Technical Report 26).
  const std::size_t low = at + length;
  if (code >= 0xDC00 || !joined(low + 2) || !joined(low + 1) || !joined(low) || byte(low, page) != 0xED) return std::nullopt;
  const unsigned b = byte(low + 1, page), c = byte(low + 2, page);
  if (b < 0xB0 || b > 0xBF || !is_following_byte(c)) return std::nullopt;
  code = 0x10000 + ((code - 0xD800) << 10) + ((b & 0x0FU) << 6 | (c & 0x3FU));
  return is_possible(code) ? std::optional<Unit>({at, low + 3, code}) : std::nullopt;
}

std::size_t Line::strangers(const std::vector<Unit>& units, std::size_t page) const {
  std::size_t count = 0, next = 0;
  for (std::size_t at = 0; at < items_.size(); ++at) {
    while (next < units.size() && units[next].last <= at) ++next;
    const bool inside = next < units.size() && units[next].first <= at;
    count += !inside && byte(at, page) >= 0x80 && !is_neutral(items_[at].code) ? 1 : 0;
  }
  return count;
}

std::vector<Unit> Line::weighed_units(std::size_t page) const {
  std::vector<Unit> units;
  for (std::size_t at = 0; at < items_.size();) {
    const auto unit = unit_at(at, page, false);
    if (unit) units.push_back(*unit);
    at = unit ? unit->last : at + 1;
  }
  std::map<int, std::size_t> kinds;
  for (const Unit& unit : units) ++kinds[kind_of(unit.decoded)];
  // Where most letters of the page are in no sequence, the page is what the text is in.
  if (strangers(units, page) > units.size()) kinds.clear();
  const auto stranger = [&](std::size_t at) { return byte(at, page) >= 0x80 && !is_neutral(items_[at].code); };
  for (std::size_t i = 0; i < units.size(); ++i) {
    Unit& unit = units[i];
    Sequence sequence;
    const bool after_unit = i > 0 && units[i - 1].last == unit.first && joined(unit.first);
    const bool before_unit = i + 1 < units.size() && units[i + 1].first == unit.last && joined(unit.last);
    sequence.before = after_unit ? units[i - 1].decoded : char_ahead(unit.first);
    sequence.after = before_unit ? units[i + 1].decoded : char_behind(unit.last - 1);
    sequence.in_company = after_unit || before_unit;
    for (std::size_t k = unit.first; k < unit.last && sequence.size < Sequence::kLongest; ++k, ++sequence.size) {
      sequence.characters[sequence.size] = items_[k].code;
      sequence.bytes[sequence.size] = byte(k, page);
    }
    unit.weight = oddness(sequence) +
                  likeliness(unit.decoded, kinds.contains(kind_of(unit.decoded)) ? kinds[kind_of(unit.decoded)] : 1);
    if (u_isupper(static_cast<UChar32>(unit.decoded)) && u_islower(static_cast<UChar32>(sequence.before)))
      unit.weight -= 0.75;
    // Text is mostly read in a page that was made for its language.
    if (pages_.mapped(unit.decoded).bytes[page] != 0) unit.weight += 0.25;
    if (joined(unit.first) && !after_unit && stranger(unit.first - 1)) unit.weight += kNeighbour;
    if (joined(unit.last) && !before_unit && stranger(unit.last)) unit.weight += kNeighbour;
  }
  return units;
}

Edit Line::edit_of(const Unit& unit) const {
  Edit edit{items_[unit.first].begin, items_[unit.last - 1].end, "mojibake"};
  append_utf8(edit.replacement, unit.decoded);
  return edit;
}

void Line::repair(Edits& edits) const {
  std::vector<Unit> best;
  double most = 0;
  std::size_t best_page = 0;
  for (std::size_t page = 0; page < CodePages::kCount; ++page) {
    const auto units = weighed_units(page);
    double total = units.empty() ? 0 : kStranger * static_cast<double>(strangers(units, page));
    for (const Unit& unit : units) total += std::clamp(unit.weight, -3.0, 4.0);
    // A line that is mojibake all through: even what would mean nothing by itself is.
    const bool sure = total >= kSure && strangers(units, page) * 8 <= units.size();
    const double least = sure ? kInSureLine : total >= kTogether ? kInCompany : kAlone;
    std::vector<Unit> accepted;
    double gain = 0;
    for (const Unit& unit : units) {
      if (unit.weight < std::min(least, kAlone)) continue;
      accepted.push_back(unit);
      gain += unit.weight;
    }
    if (gain <= most) continue;
    most = gain;
    best = std::move(accepted);
    best_page = page;
  }
  add_spaced_units(best_page, most, best);
  for (const Unit& unit : best) edits.push_back(edit_of(unit));
}

void Line::add_spaced_units(std::size_t page, double gain, std::vector<Unit>& accepted) const {
  std::vector<Unit> all;
  std::size_t next = 0;  // of accepted
  std::map<int, std::size_t> kinds;
  for (const Unit& unit : accepted) ++kinds[kind_of(unit.decoded)];
  for (std::size_t at = 0; at < items_.size();) {
    if (next < accepted.size() && accepted[next].first == at) {
      all.push_back(accepted[next]);
      at = accepted[next++].last;
      continue;
    }
    auto unit = unit_at(at, page, true);
    const std::size_t limit = next < accepted.size() ? accepted[next].first : items_.size();
    const auto is_space = [&](std::size_t k) { return items_[k].code == ' '; };
    bool spaced = false;
    for (std::size_t k = at; unit && k < unit->last; ++k) spaced = spaced || is_space(k);
    if (!spaced || unit->last > limit) {
      ++at;
      continue;
    }
    const unsigned lead = byte(at, page);
    const char32_t before = char_ahead(at), after = char_behind(unit->last - 1);
    const bool known = kinds.contains(kind_of(unit->decoded)), word_end = u_islower(static_cast<UChar32>(before)) != 0;
    bool right = gain >= kTogether && known && likeliness(unit->decoded, 2) >= 0;
    if (lead == 0xC3) {
      right = gain > 0 || (word_end && page == 0);
    } else if (lead == 0xC2) {
      right = gain > 0;
    } else if (lead < 0xE0) {
      // A letter at the start of a word or inside one, so the word goes on.
      right = right && after != ' ';
    }
    const std::size_t last = unit->last;
    if (right) {
      if (lead == 0xC3 && !takes_space(*unit)) unit->last = at + 1;
      all.push_back(*unit);
    }
    at = right ? last : at + 1;
  }
  accepted = std::move(all);
}

/// Whether "\u00E0" was one word's last letter or a word of its own, whose space is still there, or has lost its no-break
/// space for good: then either two spaces are left, or the word goes on (Portuguese "\u00E0s", "\u00E0quele").
bool Line::takes_space(const Unit& unit) const {
  const std::string_view rest = text_.substr(items_[unit.last - 1].end, 6);
  if (rest.starts_with(' ')) return true;
  const char32_t before = char_ahead(unit.first);
  if (u_isalpha(static_cast<UChar32>(before)) != 0) return false;
  return rest.starts_with("s ") || rest.starts_with("quele") || rest.starts_with("quela") || rest.starts_with("quilo");
}

void Line::repair_controls(bool dos, Edits& edits) const {
  for (const Item& item : items_) {
    if (!is_control(item.code)) continue;
    const char32_t c = dos ? pages_.dos(item.code) : pages_.windows(item.code);
    if (c == 0) continue;
    Edit edit{item.begin, item.end, "mojibake"};
    append_utf8(edit.replacement, c);
    edits.push_back(std::move(edit));
  }
}

/// Whether the text's control characters are letters of code page 437 ("f\u0094r" for "f\u00F6r"): then many of them stand
/// between letters where Windows-1252 has quotes and dashes.
bool looks_like_dos(const CodePages& pages, std::string_view text) {
  std::size_t all = 0, inside = 0;
  for (std::size_t at = text.find('\xC2'); at < text.size(); at = text.find('\xC2', at + 1)) {
    const auto [c, size] = char_at(text, at);
    if (!is_control(c)) continue;
    ++all;
    const char32_t windows = pages.windows(c);
    const bool fits = windows == 0 || windows == 0x2019 || u_isalpha(static_cast<UChar32>(windows)) != 0;
    if (fits || at == 0 || at + size >= text.size()) continue;
    const bool letters = u_isalpha(static_cast<UChar32>(char_before(text, at).code)) != 0 &&
                         u_islower(static_cast<UChar32>(char_at(text, at + size).code)) != 0;
    inside += letters && u_isalpha(static_cast<UChar32>(pages.dos(c))) != 0 ? 1 : 0;
  }
  return inside > 2 && inside * 4 > all;
}

/// "\u00C3" for "\u00E0" at a word's end, whose no-break space has become plain: no other character is there to tell by.
bool ends_word_with_space(std::string_view text, std::size_t at, const Char& found) {
  if (found.code != 0xC3 || at == 0 || !text.substr(at + found.size).starts_with(' ')) return false;
  return u_islower(static_cast<UChar32>(char_before(text, at).code)) != 0;
}

}  // namespace

Edits MojibakeRepair::edits(std::string_view text) const {
  Edits edits;
  std::optional<bool> dos;
  // A sequence is two characters at least, side by side and neither of them ASCII.
  for (std::size_t at = skip_ascii(text, 0); at < text.size();) {
    if (!pages_.is_first_byte(static_cast<unsigned char>(text[at]))) {
      ++at;
      continue;
    }
    const Char found = char_at(text, at);
    const std::size_t next = at + found.size;
    bool hopeful = is_control(found.code) || ends_word_with_space(text, at, found);
    if (!hopeful && next < text.size() && static_cast<unsigned char>(text[next]) >= 0x80) {
      const std::uint16_t leads = pages_.mapped(found.code).leads;
      const char32_t second = leads == 0 ? 0 : char_at(text, next).code;
      hopeful = leads != 0 && (second == kLost || (leads & pages_.mapped(second).follows) != 0);
    }
    if (!hopeful) {
      at = skip_ascii(text, next);
      continue;
    }
    const std::size_t newline = text.rfind('\n', at);
    const std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const Line line(pages_, text, begin, end);
    const std::size_t known = edits.size();
    line.repair(edits);
    if (edits.size() == known) {
      if (!dos) dos = looks_like_dos(pages_, text);
      line.repair_controls(*dos, edits);
    }
    at = skip_ascii(text, end);
  }
  return edits;
}

}  // namespace temper::filters
