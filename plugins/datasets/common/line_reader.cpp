// The line loop and the UTF-8 check (see line_reader.h).
#include "line_reader.h"

#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace temper::dataset_io {
namespace {

/// Of a short line this is told sooner than whether it is UTF-8.
bool is_ascii(std::string_view text) {
  std::uint64_t bits = 0, eight = 0;
  std::size_t i = 0;
  for (; i + sizeof eight <= text.size(); i += sizeof eight) {
    std::memcpy(&eight, text.data() + i, sizeof eight);
    bits |= eight;
  }
  for (; i < text.size(); ++i) bits |= static_cast<unsigned char>(text[i]);
  return (bits & 0x8080808080808080ULL) == 0;
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) {
  constexpr std::size_t kShort = 256;
  if (text.size() < kShort && is_ascii(text)) return std::string_view::npos;
  if (simdjson::validate_utf8(text.data(), text.size())) return std::string_view::npos;
  const auto* s = reinterpret_cast<const unsigned char*>(text.data());
  const std::size_t size = text.size();
  std::size_t i = 0;
  const auto continues = [&](std::size_t at) { return at < size && (s[at] & 0xc0) == 0x80; };
  while (i < size) {
    const unsigned char c = s[i];
    if (c < 0x80) {
      ++i;
    } else if (c >= 0xc2 && c <= 0xdf) {
      if (!continues(i + 1)) return i;
      i += 2;
    } else if (c >= 0xe0 && c <= 0xef) {
      if (!continues(i + 1) || !continues(i + 2)) return i;
      if ((c == 0xe0 && s[i + 1] < 0xa0) || (c == 0xed && s[i + 1] > 0x9f)) return i;
      i += 3;
    } else if (c >= 0xf0 && c <= 0xf4) {
      if (!continues(i + 1) || !continues(i + 2) || !continues(i + 3)) return i;
      if ((c == 0xf0 && s[i + 1] < 0x90) || (c == 0xf4 && s[i + 1] > 0x8f)) return i;
      i += 4;
    } else {
      return i;
    }
  }
  return std::string_view::npos;
}

LineReader::LineReader(const std::filesystem::path& path, std::int64_t max_line_mb)
    : bytes_(path), max_line_mb_(max_line_mb) {}

bool LineReader::next(Line& line) {
  line.text.clear();
  line.problem.clear();
  line.number = bytes_.line();
  const std::size_t limit = static_cast<std::size_t>(max_line_mb_) << 20;
  bool any = false, ended = false, too_long = false;
  while (!ended) {
    const std::string_view chunk = bytes_.peek();
    if (chunk.empty()) break;
    any = true;
    const void* found = std::memchr(chunk.data(), '\n', chunk.size());
    const std::size_t length =
        found ? static_cast<std::size_t>(static_cast<const char*>(found) - chunk.data()) : chunk.size();
    too_long = too_long || line.text.size() + length > limit;
    if (too_long) {
      line.text.clear();
    } else {
      line.text.append(chunk.data(), length);
    }
    ended = found != nullptr;
    bytes_.consume(length + (ended ? 1 : 0), ended ? 1 : 0);
  }
  if (!any) return false;
  if (too_long) {
    line.problem = place(bytes_.path(), line.number) + ": the line is longer than " + std::to_string(max_line_mb_) +
                   " MB; raise max_line_mb or break the line up";
    return true;
  }
  if (!line.text.empty() && line.text.back() == '\r') line.text.pop_back();
  if (line.number == 1 && line.text.starts_with("\xef\xbb\xbf")) line.text.erase(0, 3);
  const std::size_t bad = find_invalid_utf8(line.text);
  if (bad != std::string_view::npos) {
    constexpr char kDigits[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(line.text[bad]);
    line.problem = place(bytes_.path(), line.number) + ": byte 0x" + kDigits[byte >> 4] + kDigits[byte & 15] +
                   " at position " + std::to_string(bad + 1) + " of the line is not UTF-8; convert the file to UTF-8";
    line.text.clear();
  }
  return true;
}

}  // namespace temper::dataset_io
