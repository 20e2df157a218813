// Python's str operations on ICU's character data. See unicode.h.
#include "unicode.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

namespace temper::instruction_following {
namespace {

template <class Visit>
void each_code_point(std::string_view text, Visit visit) {
  const auto size = static_cast<std::int32_t>(text.size());
  std::int32_t at = 0;
  while (at < size) {
    const std::int32_t start = at;
    UChar32 c = 0;
    U8_NEXT(text.data(), at, size, c);
    if (!visit(c, start, at)) return;
  }
}

bool all_of_case(std::string_view text, bool (*wanted)(char32_t), bool (*other)(char32_t)) {
  bool any = false, clean = true;
  each_code_point(text, [&](UChar32 c, std::int32_t, std::int32_t) {
    const auto point = static_cast<char32_t>(c);
    if (c >= 0 && (other(point) || is_title(point))) clean = false;
    if (c >= 0 && wanted(point)) any = true;
    return clean;
  });
  return any && clean;
}

}  // namespace

std::u32string decode(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  each_code_point(text, [&](UChar32 c, std::int32_t, std::int32_t) {
    out.push_back(c < 0 ? U'\uFFFD' : static_cast<char32_t>(c));
    return true;
  });
  return out;
}

std::string encode(std::u32string_view text) {
  std::string out;
  icu::UnicodeString::fromUTF32(reinterpret_cast<const UChar32*>(text.data()), static_cast<std::int32_t>(text.size()))
      .toUTF8String(out);
  return out;
}

bool is_valid_utf8(std::string_view text) {
  bool valid = true;
  each_code_point(text, [&](UChar32 c, std::int32_t, std::int32_t) { return valid = c >= 0; });
  return valid;
}

bool is_space(char32_t c) {
  return (c >= 0x1c && c <= 0x1f) || u_isUWhiteSpace(static_cast<UChar32>(c));  // Python adds the four separators
}

bool is_word(char32_t c) {
  const auto mask = U_GET_GC_MASK(static_cast<UChar32>(c));
  return c == U'_' || (mask & (U_GC_L_MASK | U_GC_N_MASK)) != 0;
}

bool is_upper(char32_t c) { return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_UPPERCASE); }
bool is_lower(char32_t c) { return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_LOWERCASE); }
bool is_title(char32_t c) { return u_istitle(static_cast<UChar32>(c)); }

std::string strip(std::string_view text) {
  std::int32_t first = -1, last = 0;
  each_code_point(text, [&](UChar32 c, std::int32_t start, std::int32_t end) {
    if (c < 0 || !is_space(static_cast<char32_t>(c))) {
      if (first < 0) first = start;
      last = end;
    }
    return true;
  });
  if (first < 0) return {};
  return std::string(text.substr(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first)));
}

bool is_blank(std::string_view text) { return strip(text).empty(); }

std::string lower(std::string_view text) {
  std::string out;
  icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())))
      .toLower(icu::Locale::getRoot())
      .toUTF8String(out);
  return out;
}

bool all_upper(std::string_view text) { return all_of_case(text, is_upper, is_lower); }
bool all_lower(std::string_view text) { return all_of_case(text, is_lower, is_upper); }

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  std::int32_t begin = -1;
  const auto close = [&](std::int32_t end) {
    if (begin >= 0) out.emplace_back(text.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
    begin = -1;
  };
  each_code_point(text, [&](UChar32 c, std::int32_t start, std::int32_t) {
    if (c >= 0 && is_word(static_cast<char32_t>(c))) {
      if (begin < 0) begin = start;
    } else {
      close(start);
    }
    return true;
  });
  close(static_cast<std::int32_t>(text.size()));
  return out;
}

std::vector<std::string> split(const std::string& text, const std::string& separator) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  for (std::size_t at = text.find(separator); at != std::string::npos; at = text.find(separator, begin)) {
    out.push_back(text.substr(begin, at - begin));
    begin = at + separator.size();
  }
  out.push_back(text.substr(begin));
  return out;
}

std::string join(const std::vector<std::string>& parts, const std::string& separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) out += (i == 0 ? "" : separator) + parts[i];
  return out;
}

std::string without(const std::string& text, char unwanted) {
  std::string out;
  for (const char c : text) {
    if (c != unwanted) out += c;
  }
  return out;
}

std::string_view trim_front(std::string_view text, char unwanted) {
  while (!text.empty() && text.front() == unwanted) text.remove_prefix(1);
  return text;
}

std::string_view trim(std::string_view text, char unwanted) {
  text = trim_front(text, unwanted);
  while (!text.empty() && text.back() == unwanted) text.remove_suffix(1);
  return text;
}

}  // namespace temper::instruction_following
