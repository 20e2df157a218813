// Finding, settling overlaps, replacing (see pii.h). The rules are in pii_rules.cpp.
#include "temper/pii.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <memory>
#include <tuple>

#include "pii_rules.h"

namespace temper {
namespace {

constexpr std::array<std::string_view, kPiiTypes> kNames = {"private_key", "api_key", "url_credentials", "email",  "iban",
                                                            "card",        "kr_rrn",  "kr_foreign",      "us_ssn", "ipv6",
                                                            "ipv4",        "phone"};

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
using Code = std::unique_ptr<pcre2_code, FreeCode>;

Code compile(std::string_view pattern) {
  int problem = 0;
  PCRE2_SIZE at = 0;
  Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                          PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_USE_OFFSET_LIMIT, &problem, &at, nullptr));
  if (!code) {
    throw PluginError("a pattern of personal data does not compile (PCRE2 error " + std::to_string(problem) + " at byte " +
                      std::to_string(at) + "): " + std::string(pattern));
  }
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);  // faster where there is one; matching works without
  return code;
}

const std::vector<Code>& compiled_rules() {
  static const std::vector<Code> kCodes = [] {
    std::vector<Code> codes;
    for (const auto& rule : pii::rules()) codes.push_back(compile(rule.pattern));
    return codes;
  }();
  return kCodes;
}

/// Matching state, made once a text because most texts need none of it.
class Matcher {
 public:
  explicit Matcher(std::string_view text)
      : text_(text), data_(pcre2_match_data_create(1, nullptr)), context_(pcre2_match_context_create(nullptr)) {}

  void find_all(const pii::Rule& rule, const pcre2_code* code, const std::vector<pii::Starts>& starts,
                std::vector<PiiSpan>& found) {
    std::size_t at = 0;
    for (const auto& [first, last] : starts) {
      pcre2_set_offset_limit(context_.get(), last);
      for (at = std::max(at, first); at <= last && at < text_.size() && match(rule, code, at);) {
        const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data_.get());
        const std::size_t begin = ends[0], end = ends[1];
        const pii::Accepted accepted =
            rule.accept == nullptr ? pii::Accepted{end, rule.score} : rule.accept(text_, begin, end, rule.score);
        if (accepted.end > begin) found.push_back({begin, accepted.end, 0, 0, rule.type, accepted.score});
        at = accepted.end > begin ? accepted.end : begin + 1;
        while (at < text_.size() && (static_cast<unsigned char>(text_[at]) & 0xC0) == 0x80) ++at;
      }
    }
  }

 private:
  bool match(const pii::Rule& rule, const pcre2_code* code, std::size_t at) {
    const auto* units = reinterpret_cast<PCRE2_SPTR>(text_.data());
    int matched = pcre2_match(code, units, text_.size(), at, 0, data_.get(), context_.get());
    if (matched == PCRE2_ERROR_JIT_STACKLIMIT) {
      matched = pcre2_match(code, units, text_.size(), at, PCRE2_NO_JIT, data_.get(), context_.get());
    }
    if (matched == PCRE2_ERROR_NOMATCH) return false;
    if (matched >= 0) return true;
    throw DataError("a text of " + std::to_string(text_.size()) + " bytes cannot be searched for " +
                    std::string(pii_name(rule.type)) + " (PCRE2 error " + std::to_string(matched) +
                    "); cut it into smaller parts");
  }

  std::string_view text_;
  std::unique_ptr<pcre2_match_data, FreeMatch> data_;
  std::unique_ptr<pcre2_match_context, FreeContext> context_;
};

/// Bytes of the character at `at`: 1 for a byte that begins none.
std::size_t character_size(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  const std::size_t size = lead >= 0xF0 && lead < 0xF5   ? 4
                           : lead >= 0xE0 && lead < 0xF0 ? 3
                           : lead >= 0xC2 && lead < 0xE0 ? 2
                                                         : 1;
  if (at + size > text.size()) return 1;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 1;
  }
  return size;
}

void count_points(std::string_view text, std::vector<PiiSpan>& spans) {
  std::size_t at = 0, points = 0;
  const auto advance = [&](std::size_t to) {
    while (at < to) {
      at += character_size(text, at);
      ++points;
    }
    return points;
  };
  for (auto& span : spans) {
    span.begin_point = advance(span.begin);
    span.end_point = advance(span.end);
  }
}

std::size_t length(const PiiSpan& span) { return span.end - span.begin; }

/// Whether `a` has its way over `b`.
bool prevails(const PiiSpan& a, const PiiSpan& b) {
  const auto key = [](const PiiSpan& span) {
    return std::make_tuple(-span.score, -static_cast<std::ptrdiff_t>(length(span)), span.type, span.begin);
  };
  return key(a) < key(b);
}

bool contains(const PiiSpan& outer, const PiiSpan& inner) { return outer.begin <= inner.begin && inner.end <= outer.end; }

/// Spans that overlap one another, in a chain: first those within others are merged into them, then the rest cut.
void settle(std::vector<PiiSpan> cluster, std::vector<PiiSpan>& out) {
  std::sort(cluster.begin(), cluster.end(), [](const PiiSpan& a, const PiiSpan& b) {
    return std::make_tuple(a.begin, -static_cast<std::ptrdiff_t>(a.end)) <
           std::make_tuple(b.begin, -static_cast<std::ptrdiff_t>(b.end));
  });
  // Sorted so, a span lies within another exactly if it ends no later than one before it.
  std::vector<PiiSpan> outer;
  for (const auto& span : cluster) {
    if (outer.empty() || span.end > outer.back().end) {
      outer.push_back(span);
      continue;
    }
    for (auto& around : outer) {
      if (!contains(around, span) || !prevails(span, around)) continue;
      around.type = span.type;
      around.score = span.score;
    }
  }
  // Begins and ends both rise now, so whoever gives way to its neighbours keeps one piece, or nothing.
  std::vector<PiiSpan> order = outer, kept;
  std::stable_sort(order.begin(), order.end(), prevails);
  for (PiiSpan span : order) {
    for (const auto& other : kept) {
      if (other.begin <= span.begin && span.begin < other.end) span.begin = other.end;
      if (other.begin < span.end && span.end <= other.end) span.end = other.begin;
    }
    if (span.begin < span.end) kept.push_back(span);
  }
  out.insert(out.end(), kept.begin(), kept.end());
}

}  // namespace

std::string_view pii_name(PiiType type) { return kNames.at(static_cast<std::size_t>(type)); }

std::vector<PiiType> pii_types() {
  std::vector<PiiType> types;
  for (std::size_t i = 0; i < kPiiTypes; ++i) types.push_back(static_cast<PiiType>(i));
  return types;
}

std::vector<PiiSpan> resolve_pii(std::string_view text, std::vector<PiiSpan> spans) {
  std::erase_if(spans, [](const PiiSpan& span) { return span.begin >= span.end; });
  std::sort(spans.begin(), spans.end(), [](const PiiSpan& a, const PiiSpan& b) {
    return std::tie(a.begin, a.end, a.type, a.score) < std::tie(b.begin, b.end, b.type, b.score);
  });
  std::vector<PiiSpan> out, cluster;
  std::size_t end = 0;
  for (const auto& span : spans) {
    if (!cluster.empty() && span.begin >= end) {
      settle(std::move(cluster), out);
      cluster = {};
    }
    cluster.push_back(span);
    end = std::max(cluster.size() == 1 ? 0 : end, span.end);
  }
  if (!cluster.empty()) settle(std::move(cluster), out);
  std::sort(out.begin(), out.end(), [](const PiiSpan& a, const PiiSpan& b) { return a.begin < b.begin; });
  count_points(text, out);
  return out;
}

std::vector<PiiSpan> scan_pii(std::string_view text) {
  const auto& rules = pii::rules();
  const auto& codes = compiled_rules();
  std::string left;  // the text with what was found painted over; empty before the first find
  std::vector<PiiSpan> all;
  // Again until nothing is left: what was found no longer hides what stands directly beside it ("a@b.com+44 20 ..."), as it
  // would not in the masked text (P-PII-06).
  for (;;) {
    const std::string_view searched = left.empty() ? text : std::string_view(left);
    const pii::Clues clues = pii::find_clues(searched);
    if (std::all_of(clues.begin(), clues.end(), [](const auto& starts) { return starts.empty(); })) break;
    Matcher matcher(searched);
    std::vector<PiiSpan> found;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      matcher.find_all(rules[i], codes[i].get(), clues[static_cast<std::size_t>(rules[i].clue)], found);
    }
    if (found.empty()) break;
    if (left.empty()) left = text;
    for (const auto& span : found) {
      std::fill(left.begin() + static_cast<std::ptrdiff_t>(span.begin), left.begin() + static_cast<std::ptrdiff_t>(span.end),
                '>');
    }
    all.insert(all.end(), found.begin(), found.end());
  }
  if (all.empty()) return all;
  return resolve_pii(text, std::move(all));
}

std::string mask_pii(std::string_view text, const std::vector<PiiSpan>& spans) {
  std::string out;
  std::size_t at = 0;
  for (const auto& span : spans) {
    out += text.substr(at, span.begin - at);
    out += '<';
    for (const char c : pii_name(span.type)) out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    out += '>';
    at = span.end;
  }
  return out += text.substr(at);
}

}  // namespace temper
