// PCRE2 behind Regex (see regex.h). Two things differ between Oniguruma and PCRE2 and matter for real patterns: \s has one
// character more in PCRE2 (U+180E), and PCRE2 10.42 knows Unicode 14, so later letters and numbers are added by hand.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "regex.h"

#include <pcre2.h>

#include "temper/error.h"

namespace temper::hf_bpe_plugin {
namespace {

constexpr std::string_view kSpace =
    R"(\x09-\x0D\x20\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";
/// Letters of Unicode 15 to 16.
constexpr std::string_view kLetter =
    R"(\p{L}\x{1C89}\x{1C8A}\x{A7CB}-\x{A7CD}\x{A7DA}-\x{A7DC}\x{105C0}-\x{105F3}\x{10D4A}-\x{10D65}\x{10D6F}-\x{10D85})"
    R"(\x{10EC2}-\x{10EC4}\x{1123F}\x{11240}\x{11380}-\x{11389}\x{1138B}\x{1138E}\x{11390}-\x{113B5}\x{113B7}\x{113D1})"
    R"(\x{113D3}\x{11BC0}-\x{11BE0}\x{11F02}\x{11F04}-\x{11F10}\x{11F12}-\x{11F33}\x{1342F}\x{13441}-\x{13446})"
    R"(\x{13460}-\x{143FA}\x{16100}-\x{1611D}\x{16D40}-\x{16D6C}\x{18CFF}\x{1B132}\x{1B155}\x{1DF25}-\x{1DF2A})"
    R"(\x{1E030}-\x{1E06D}\x{1E4D0}-\x{1E4EB}\x{1E5D0}-\x{1E5ED}\x{1E5F0}\x{2B739}\x{2EBF0}-\x{2EE5D}\x{31350}-\x{323AF})";
/// Numbers of Unicode 15 to 16.
constexpr std::string_view kNumber =
    R"(\p{N}\x{10D40}-\x{10D49}\x{116D0}-\x{116E3}\x{11BF0}-\x{11BF9}\x{11F50}-\x{11F59}\x{16130}-\x{16139})"
    R"(\x{16D70}-\x{16D79}\x{1CCF0}-\x{1CCF9}\x{1D2C0}-\x{1D2D3}\x{1E4F0}-\x{1E4F9}\x{1E5F1}-\x{1E5FA})";
constexpr std::string_view kHexDigit = "0-9A-Fa-f";

[[noreturn]] void refuse(std::string_view pattern, const std::string& what) {
  throw DataError("the tokenizer's regular expression '" + std::string(pattern) + "' uses " + what +
                  ", which hf_bpe does not read the way the tokenizer's own library does");
}

/// The class that an escape stands for and whether it is negated; empty for escapes that mean the same to both.
struct Escape {
  std::string_view members;
  bool negated = false;
  std::size_t length = 2;
};

Escape read_escape(std::string_view pattern, std::size_t at) {
  const char kind = pattern[at + 1];
  if (kind == 's' || kind == 'S') return {kSpace, kind == 'S'};
  if (kind == 'h' || kind == 'H') return {kHexDigit, kind == 'H'};
  const std::string_view rest = pattern.substr(at);
  for (const bool negated : {false, true}) {
    const std::string head = negated ? "\\P" : "\\p";
    if (rest.starts_with(head + "{L}")) return {kLetter, negated, 5};
    if (rest.starts_with(head + "{N}")) return {kNumber, negated, 5};
  }
  static constexpr std::string_view kDifferent = "wWbBGKRXZyYgkN";
  if (kDifferent.find(kind) != std::string_view::npos) refuse(pattern, "\\" + std::string(1, kind));
  return {};
}

/// Options are read alike only where they hold for a whole group or the whole pattern, and only "ignore case" is.
void check_group(std::string_view pattern, std::size_t at) {
  const std::string_view rest = pattern.substr(at + 1);
  if (!rest.starts_with('?')) return;
  for (const std::string_view known : {"?:", "?=", "?!", "?<=", "?<!", "?>", "?i:", "?-i:", "?<"}) {
    if (rest.starts_with(known)) return;
  }
  if (at == 0 && rest.starts_with("?i)")) return;
  refuse(pattern, "the group '(" + std::string(rest.substr(0, 4)) + "'");
}

std::size_t copy_class(std::string_view pattern, std::size_t at, std::string& out) {
  out += pattern[at++];
  if (at < pattern.size() && pattern[at] == '^') out += pattern[at++];
  const std::size_t first = at;
  for (; at < pattern.size(); ++at) {
    const char c = pattern[at];
    if (c == ']' && at > first) {
      out += c;
      return at + 1;
    }
    if (c == '[' && pattern.substr(at + 1, 1) != ":") refuse(pattern, "a class within a class");
    if (c == '[') {
      const std::size_t end = pattern.find(":]", at);
      if (end == std::string_view::npos) refuse(pattern, "an unfinished class");
      out += pattern.substr(at, end + 2 - at);
      at = end + 1;
      continue;
    }
    if (c == '&' && pattern.substr(at + 1, 1) == "&") refuse(pattern, "an intersection of classes (&&)");
    if (c != '\\' || at + 1 == pattern.size()) {
      out += c;
      continue;
    }
    const Escape escape = read_escape(pattern, at);
    if (!escape.members.empty() && !escape.negated) {
      out += escape.members;
    } else if (!escape.members.empty() && escape.members != kSpace) {
      refuse(pattern, std::string(pattern.substr(at, escape.length)) + " within a class");
    } else {
      out += pattern.substr(at, escape.length);
    }
    at += escape.length - 1;
  }
  refuse(pattern, "an unfinished class");
}

}  // namespace

std::string to_pcre2(std::string_view pattern) {
  std::string out;
  for (std::size_t at = 0; at < pattern.size();) {
    const char c = pattern[at];
    if (c == '[') {
      at = copy_class(pattern, at, out);
      continue;
    }
    if (c == '(') check_group(pattern, at);
    if (c == '}' && pattern.substr(at + 1, 1) == "+") refuse(pattern, "'}+' (repeated in Oniguruma, possessive elsewhere)");
    if (c != '\\' || at + 1 == pattern.size()) {
      out += c;
      ++at;
      continue;
    }
    const Escape escape = read_escape(pattern, at);
    if (escape.members.empty()) {
      out += pattern.substr(at, escape.length);
    } else {
      out += (escape.negated ? "[^" : "[") + std::string(escape.members) + "]";
    }
    at += escape.length;
  }
  return out;
}

void MatchRoom::Free::operator()(void* data) const { pcre2_match_data_free(static_cast<pcre2_match_data*>(data)); }

Regex::Regex(std::string_view oniguruma_pattern) : source_(oniguruma_pattern) { compile(to_pcre2(oniguruma_pattern)); }

Regex Regex::literal(std::string_view text) {
  Regex made;
  made.source_ = text;
  std::string pattern;
  for (const char c : text) {
    const bool plain = (static_cast<unsigned char>(c) & 0x80u) != 0 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                       (c >= 'a' && c <= 'z');
    if (!plain) pattern += '\\';
    pattern += c;
  }
  made.compile(pattern);
  return made;
}

void Regex::compile(const std::string& pattern) {
  const std::unique_ptr<pcre2_compile_context, void (*)(pcre2_compile_context*)> context(
      pcre2_compile_context_create(nullptr), pcre2_compile_context_free);
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE where = 0;
  // Oniguruma's ^ and $ always mean the ends of a line.
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                   PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &error, &where, context.get());
  if (code == nullptr) {
    std::string message(256, '\0');
    const int size = pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR*>(message.data()), message.size());
    message.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    throw DataError("the tokenizer's regular expression '" + source_ + "' cannot be read: " + message);
  }
  code_ = std::shared_ptr<void>(code, [](void* made) { pcre2_code_free(static_cast<pcre2_code*>(made)); });
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // a build of PCRE2 without it interprets the pattern, with equal results
}

MatchRoom Regex::make_room() const {
  return MatchRoom(pcre2_match_data_create_from_pattern(static_cast<const pcre2_code*>(code_.get()), nullptr));
}

bool Regex::find(std::string_view text, std::size_t from, MatchRoom& room, std::size_t& begin, std::size_t& end) const {
  const auto* code = static_cast<const pcre2_code*>(code_.get());
  auto* data = static_cast<pcre2_match_data*>(room.data());
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  int found = pcre2_match(code, subject, text.size(), from, PCRE2_NO_UTF_CHECK, data, nullptr);
  if (found == PCRE2_ERROR_JIT_STACKLIMIT) {
    found = pcre2_match(code, subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, nullptr);
  }
  if (found == PCRE2_ERROR_NOMATCH) return false;
  if (found < 0) {
    throw DataError("the tokenizer's regular expression '" + source_ + "' gave up on a text of " +
                    std::to_string(text.size()) + " bytes (PCRE2 error " + std::to_string(found) + ")");
  }
  begin = pcre2_get_ovector_pointer(data)[0];
  end = pcre2_get_ovector_pointer(data)[1];
  return true;
}

}  // namespace temper::hf_bpe_plugin
