// One pass over a text for the places where personal data can begin (see pii_clues.h).
#include "pii_clues.h"

#include <algorithm>
#include <utility>

namespace temper::pii {
namespace {

/// Marks are bytes of a clue that are rare in ordinary text: "AKIA" is looked for at its K, "eyJ" at its J. Gaps are what
/// may stand between the digits of one number; outside of it they are plain.
enum ClueByte : std::uint8_t { kPlain, kDigit, kGap, kMark };

constexpr std::array<ClueByte, 256> clue_bytes(bool in_number) {
  std::array<ClueByte, 256> table{};
  for (std::size_t c = '0'; c <= '9'; ++c) table[c] = kDigit;
  if (in_number) {
    for (const unsigned char c : {' ', '.', '-', '/', '(', ')'}) table[c] = kGap;
    for (const unsigned char c : {0xE2, 0x80, 0x93}) table[c] = kGap;  // an en dash
    return table;
  }
  for (const unsigned char c : {'@', ':', '_', '-', 'K', 'S', 'J', 'z', 'G'}) table[c] = kMark;
  return table;
}
constexpr std::array<ClueByte, 256> kBytes = clue_bytes(false), kNumberBytes = clue_bytes(true);

class ClueFinder {
 public:
  explicit ClueFinder(std::string_view text) : text_(text) {}

  Clues find() {
    for (std::size_t at = 0; at < text_.size();) {
      const ClueByte kind = kBytes[static_cast<unsigned char>(text_[at])];
      if (kind == kPlain) {
        ++at;
      } else if (kind == kDigit) {
        at = read_chain(at);
      } else {
        read_mark(at);
        ++at;
      }
    }
    return std::move(clues_);
  }

 private:
  static constexpr std::size_t kLongestGap = 5;     ///< " - " with an en dash
  static constexpr std::size_t kLongestLabel = 32;  ///< "telephone number: " with spaces and a parenthesis, in bytes
  static constexpr std::size_t kLongestLocal = 256;

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
  static bool is_hex(char c) { return is_digit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); }

  bool before(std::size_t at, std::string_view what) const { return text_.substr(0, at).ends_with(what); }
  bool behind(std::size_t at, std::string_view what) const { return text_.substr(at + 1).starts_with(what); }
  /// `what` and one more character in front.
  bool before_one(std::size_t at, std::string_view what) const { return at > 0 && before(at - 1, what); }

  void note(Clue clue, std::size_t first, std::size_t last) {
    while (first > 0 && first < text_.size() && (static_cast<unsigned char>(text_[first]) & 0xC0) == 0x80) --first;
    auto& starts = clues_[static_cast<std::size_t>(clue)];
    while (!starts.empty() && first <= starts.back().last + 1) {
      first = std::min(first, starts.back().first);
      last = std::max(last, starts.back().last);
      starts.pop_back();
    }
    starts.push_back({first, last});
  }
  void note_before(Clue clue, std::size_t at, std::size_t reach, std::size_t last) {
    note(clue, at - std::min(at, reach), last);
  }

  /// Digits with gaps between them that a number may have. Returns where reading goes on.
  std::size_t read_chain(std::size_t begin) {
    read_iban(begin);
    std::size_t digits = 0, stops = 0, last = begin, at = begin;
    for (; at < text_.size() && at - last <= kLongestGap + 1; ++at) {
      const char c = text_[at];
      const ClueByte kind = kNumberBytes[static_cast<unsigned char>(c)];
      if (kind == kPlain) break;
      if (kind == kGap) {
        if (c == '.') ++stops;
        continue;
      }
      ++digits;
      last = at;
    }
    if (digits >= 4 && stops >= 3) note_before(Clue::kIpv4, begin, 0, last);
    // In front may stand "+" or "(", for the shorter ones a word such as "phone".
    if (digits >= 7) note_before(Clue::kDigits7, begin, kLongestLabel, last);
    if (digits >= 9) note_before(Clue::kDigits9, begin, 2, last);
    if (digits >= 12) note_before(Clue::kDigits12, begin, 2, last);
    return last + 1;
  }

  void read_iban(std::size_t at) {
    if (at < 2 || at + 1 >= text_.size() || !is_digit(text_[at + 1])) return;
    if (!is_letter(text_[at - 1]) || !is_letter(text_[at - 2])) return;
    if (at > 2 && (is_letter(text_[at - 3]) || is_digit(text_[at - 3]))) return;
    note(Clue::kIban, at - 2, at - 2);
  }

  void read_mark(std::size_t at) {
    switch (text_[at]) {
      case '@':
        return read_at(at);
      case ':':
        return read_colon(at);
      case '_':
        if (before_one(at, "gh") || before(at, "github") || before(at, "hf") || before(at, "npm") || before(at, "sk") ||
            before(at, "rk")) {
          note_before(Clue::kKey, at, 6, at);
        }
        return;
      case '-':
        if (before_one(at, "xox") || before(at, "sk") || before(at, "glpat")) note_before(Clue::kKey, at, 5, at);
        return;
      case 'K':
        if (before(at, "A") && behind(at, "IA")) note(Clue::kKey, at - 1, at);
        if (before(at, "PRIVATE ") && behind(at, "EY")) note_before(Clue::kPrivateKey, at, 90, at);
        return;
      case 'S':
        if (before(at, "A") && behind(at, "IA")) note(Clue::kKey, at - 1, at);
        return;
      case 'J':
        if (before(at, "ey")) note(Clue::kKey, at - 2, at);
        return;
      case 'z':
        if (before(at, "AI")) note(Clue::kKey, at - 2, at);
        return;
      case 'G':
        if (before(at, "S") && behind(at, ".")) note(Clue::kKey, at - 1, at);
        return;
      default:
        return;
    }
  }

  void read_at(std::size_t at) {
    std::size_t first = at;
    while (first > 0 && at - first < kLongestLocal) {
      const char c = text_[first - 1];
      const bool local = is_letter(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80 ||
                         std::string_view("._%+'-").find(c) != std::string_view::npos;
      if (!local) break;
      --first;
    }
    if (first < at) note(Clue::kAt, first, at - 1);
  }

  void read_colon(std::size_t at) {
    if (behind(at, "//")) note_before(Clue::kUrl, at, 22, at);
    std::size_t next = at + 1;
    while (next < text_.size() && next < at + 5 && is_hex(text_[next])) ++next;
    if (next < text_.size() && text_[next] == ':') note_before(Clue::kIpv6, at, 4, at);
  }

  std::string_view text_;
  Clues clues_;
};

}  // namespace

Clues find_clues(std::string_view text) { return ClueFinder(text).find(); }

}  // namespace temper::pii
