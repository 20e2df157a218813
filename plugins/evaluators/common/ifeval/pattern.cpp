// PCRE2 behind pattern.h.
#include "pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "temper/error.h"

namespace temper::instruction_following {
namespace {

struct FreeMatch {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

std::string message_of(int code) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(code, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

PCRE2_SPTR units(const std::string& text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

}  // namespace

struct Pattern::Code {
  explicit Code(pcre2_code* compiled) : code(compiled) {}
  ~Code() { pcre2_code_free(code); }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  pcre2_code* code;
};

std::shared_ptr<const Pattern::Code> Pattern::compile(const std::string& expression, Case letter_case,
                                                      std::string& problem) {
  struct FreeContext {
    void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
  };
  const std::unique_ptr<pcre2_compile_context, FreeContext> context(pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  std::uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE;
  if (letter_case == Case::kIgnore) options |= PCRE2_CASELESS;
  int code = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* compiled = pcre2_compile(units(expression), expression.size(), options, &code, &offset, context.get());
  if (compiled == nullptr) {
    problem = message_of(code) + " at byte " + std::to_string(offset);
    return nullptr;
  }
  return std::make_shared<const Code>(compiled);
}

Pattern::Pattern(const std::string& expression, Case letter_case) {
  std::string problem;
  code_ = compile(expression, letter_case, problem);
  if (!code_) throw DataError("'" + expression + "' is not a valid pattern: " + problem);
}

Pattern Pattern::of_keyword(const std::string& keyword, const std::string& before, const std::string& after,
                            Case letter_case) {
  std::string problem;
  // Possessive quantifiers are no part of the published checker's patterns; "C++" is a name.
  bool possessive = false;
  for (const char* mark : {"++", "*+", "?+"}) possessive |= keyword.find(mark) != std::string::npos;
  // By itself first: a keyword such as "a)(b" must not borrow meaning from what surrounds it.
  if (!possessive && compile(keyword, letter_case, problem)) {
    if (auto code = compile(before + keyword + after, letter_case, problem)) return Pattern(std::move(code));
  }
  std::string quoted;
  for (const char c : keyword) {
    if (std::string_view("\\^$.[]|()?*+{}-#").find(c) != std::string_view::npos) quoted += '\\';
    quoted += c;
  }
  return Pattern(before + quoted + after, letter_case);
}

std::vector<std::pair<std::size_t, std::size_t>> Pattern::spans(const std::string& text) const {
  const std::unique_ptr<pcre2_match_data, FreeMatch> data(pcre2_match_data_create_from_pattern(code_->code, nullptr));
  std::vector<std::pair<std::size_t, std::size_t>> out;
  std::size_t at = 0;
  std::uint32_t options = 0;
  while (at <= text.size()) {
    const int found = pcre2_match(code_->code, units(text), text.size(), at, options, data.get(), nullptr);
    options = PCRE2_NO_UTF_CHECK;
    if (found == PCRE2_ERROR_NOMATCH) break;
    if (found < 0)
      throw DataError("the text cannot be searched (" + message_of(found) + "); give valid UTF-8 and simpler keywords");
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data.get());
    out.emplace_back(ends[0], ends[1]);
    at = ends[1];
    if (ends[1] > ends[0]) continue;
    do ++at;  // an empty match: go on one whole character later
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  }
  return out;
}

bool Pattern::found_in(const std::string& text) const { return !spans(text).empty(); }
std::size_t Pattern::count(const std::string& text) const { return spans(text).size(); }

std::vector<std::string> Pattern::matches(const std::string& text) const {
  std::vector<std::string> out;
  for (const auto& [begin, end] : spans(text)) out.push_back(text.substr(begin, end - begin));
  return out;
}

std::vector<std::string> Pattern::split(const std::string& text) const {
  std::vector<std::string> out;
  std::size_t from = 0;
  for (const auto& [begin, end] : spans(text)) {
    out.push_back(text.substr(from, begin - from));
    from = end;
  }
  out.push_back(text.substr(from));
  return out;
}

std::string Pattern::replace(const std::string& text, const std::string& replacement) const {
  std::string out(text.size() * 2 + 64, '\0');
  for (;;) {
    PCRE2_SIZE size = out.size();
    const int done =
        pcre2_substitute(code_->code, units(text), text.size(), 0,
                         PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_UNSET_EMPTY | PCRE2_SUBSTITUTE_OVERFLOW_LENGTH, nullptr,
                         nullptr, units(replacement), replacement.size(), reinterpret_cast<PCRE2_UCHAR*>(out.data()), &size);
    if (done >= 0) {
      out.resize(size);
      return out;
    }
    if (done != PCRE2_ERROR_NOMEMORY)
      throw DataError("the text cannot be edited (" + message_of(done) + "); give valid UTF-8");
    out.resize(size);
  }
}

}  // namespace temper::instruction_following
