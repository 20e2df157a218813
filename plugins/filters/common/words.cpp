// Folding and cutting (see words.h). ASCII goes a short way, everything else through ICU.
#include "words.h"

#include <emmintrin.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <bit>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "utf8.h"

namespace temper::filters {
namespace {

constexpr std::array<char, 128> lower_table() {
  std::array<char, 128> table{};
  for (std::size_t c = 0; c < 128; ++c) {
    table[c] = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : static_cast<char>(c);
  }
  return table;
}
constexpr std::array<char, 128> kLower = lower_table();

bool is_ascii_word(unsigned char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); }

bool is_space(UChar32 c) { return u_isUWhiteSpace(c) || u_iscntrl(c); }

/// kNone: ends a word. kPart: belongs to one. kAlone: is one.
enum class Role { kNone, kPart, kAlone };

Role role_of(UChar32 c) {
  if (c < 0x80) return is_ascii_word(static_cast<unsigned char>(c)) ? Role::kPart : Role::kNone;
  if (c >= 0xAC00 && c <= 0xD7A3) return Role::kPart;  // Hangul, by far the most frequent here
  const auto mask = U_GET_GC_MASK(c);
  if ((mask & (U_GC_L_MASK | U_GC_N_MASK | U_GC_M_MASK)) == 0) return Role::kNone;
  UErrorCode code = U_ZERO_ERROR;
  switch (uscript_getScript(c, &code)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
      return Role::kAlone;
    default:
      return Role::kPart;
  }
}

const icu::Normalizer2& folding() {
  UErrorCode code = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = icu::Normalizer2::getNFKCCasefoldInstance(code);
  if (U_FAILURE(code)) throw DataError("ICU has no NFKC_Casefold data; install its data package");
  return *normalizer;
}

std::string fold_unicode(std::string_view text) {
  std::string result;
  icu::StringByteSink<std::string> sink(&result);
  UErrorCode code = U_ZERO_ERROR;
  folding().normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())), sink, nullptr, code);
  if (U_FAILURE(code)) throw DataError(std::string("a text cannot be folded: ") + u_errorName(code));
  return result;
}

/// Calls `word(begin, end)` for each word.
template <class Function>
void for_each_word(std::string_view text, Function word) {
  const auto* s = reinterpret_cast<const std::uint8_t*>(text.data());
  const std::size_t size = text.size();
  std::size_t begin = 0, at = 0;
  while (at < size) {
    if (s[at] < 0x80) {
      if (is_ascii_word(s[at])) {
        ++at;
        continue;
      }
      if (at > begin) word(begin, at);
      begin = ++at;
      continue;
    }
    std::size_t next = at;
    UChar32 c = 0;
    U8_NEXT(s, next, size, c);
    const Role role = c < 0 ? Role::kNone : role_of(c);
    if (role == Role::kPart) {
      at = next;
      continue;
    }
    if (at > begin) word(begin, at);
    if (role == Role::kAlone) word(at, next);
    begin = at = next;
  }
  if (at > begin) word(begin, at);
}

/// Of 64 bytes of ASCII: a bit for each that belongs to a word.
std::uint64_t word_bits(const char* bytes) {
  std::uint64_t bits = 0;
  const auto between = [](__m128i values, char low, char high) {
    return _mm_and_si128(_mm_cmpgt_epi8(values, _mm_set1_epi8(static_cast<char>(low - 1))),
                         _mm_cmplt_epi8(values, _mm_set1_epi8(static_cast<char>(high + 1))));
  };
  for (unsigned i = 0; i < 64; i += 16) {
    const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + i));
    const __m128i letters = between(_mm_or_si128(values, _mm_set1_epi8(0x20)), 'a', 'z');
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(letters, between(values, '0', '9'))));
    bits |= static_cast<std::uint64_t>(mask) << i;
  }
  return bits;
}

/// The same as for_each_word() of a text that is all ASCII, 64 bytes at a time.
template <class Function>
void for_each_ascii_word(std::string_view text, Function word) {
  std::array<char, 64> rest{};
  std::size_t begin = 0;
  std::uint64_t inside = 0;  // 1 where a word began in the block before
  for (std::size_t base = 0; base < text.size(); base += rest.size()) {
    const char* block = text.data() + base;
    if (text.size() - base < rest.size()) {
      std::copy(text.begin() + static_cast<std::ptrdiff_t>(base), text.end(), rest.begin());
      block = rest.data();
    }
    const std::uint64_t bits = word_bits(block);
    for (std::uint64_t edges = bits ^ (bits << 1 | inside); edges != 0; edges &= edges - 1) {
      const std::size_t at = base + static_cast<std::size_t>(std::countr_zero(edges));
      if (inside != 0) word(begin, at);
      begin = at;
      inside ^= 1;
    }
  }
  if (inside != 0) word(begin, text.size());
}

}  // namespace

std::string folded(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  bool space = false;
  const auto put_space = [&] {
    if (space && !result.empty()) result += ' ';
    space = false;
  };
  if (is_ascii(text)) {
    for (const char c : text) {
      if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F) {
        space = true;
        continue;
      }
      put_space();
      result += kLower[static_cast<unsigned char>(c)];
    }
    return result;
  }
  // ICU counts in 32 bits; a cut at a space changes nothing, for no space takes part in a composition.
  constexpr std::size_t kAtOnce = std::size_t{1} << 26;
  std::string all;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = std::min(begin + kAtOnce, text.size());
    if (end < text.size()) {
      const std::size_t blank = text.rfind(' ', end);
      if (blank != std::string_view::npos && blank > begin) end = blank;
    }
    all += fold_unicode(text.substr(begin, end - begin));
    begin = end;
  }
  const auto* s = reinterpret_cast<const std::uint8_t*>(all.data());
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t begin = at;
    UChar32 c = s[at];
    if (c < 0x80) {
      ++at;
    } else {
      U8_NEXT(s, at, all.size(), c);
    }
    if (c <= 0x20 || (c >= 0x7F && is_space(c))) {
      space = true;
      continue;
    }
    put_space();
    result.append(all, begin, at - begin);
  }
  return result;
}

Units units_of(std::string_view folded_text, Unit unit) {
  Units units;
  if (unit == Unit::kWord) {
    units.hashes.reserve(folded_text.size() / 5 + 1);
    for_each_word(folded_text, [&](std::size_t begin, std::size_t end) {
      units.hashes.push_back(XXH3_64bits(folded_text.data() + begin, end - begin));
    });
    return units;
  }
  const auto* s = reinterpret_cast<const std::uint8_t*>(folded_text.data());
  for (std::size_t at = 0; at < folded_text.size();) {
    UChar32 c = 0;
    U8_NEXT(s, at, folded_text.size(), c);
    units.hashes.push_back(static_cast<std::uint64_t>(static_cast<std::uint32_t>(c)) + 1);
  }
  return units;
}

Units units_of_raw(std::string_view text, Unit unit) {
  if (unit == Unit::kCharacter || !is_ascii(text)) return units_of(folded(text), unit);
  // Folding ASCII is lower case; a word is put into lower case where it is hashed.
  Units units;
  units.hashes.reserve(text.size() / 5 + 1);
  constexpr std::size_t kShort = 16;
  std::string long_word;
  for_each_ascii_word(text, [&](std::size_t begin, std::size_t end) {
    const std::size_t size = end - begin;
    if (size <= kShort && begin + kShort <= text.size()) {
      // This bit makes letters small and is set in digits; what else is loaded is not looked at.
      alignas(kShort) std::array<char, kShort> word;
      const __m128i raw = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + begin));
      _mm_store_si128(reinterpret_cast<__m128i*>(word.data()), _mm_or_si128(raw, _mm_set1_epi8(0x20)));
      units.hashes.push_back(XXH3_64bits(word.data(), size));
      return;
    }
    long_word.assign(text, begin, size);
    for (char& c : long_word) c = kLower[static_cast<unsigned char>(c)];
    units.hashes.push_back(XXH3_64bits(long_word.data(), size));
  });
  return units;
}

Units words_with_places(std::string_view text) {
  Units units;
  std::string word;
  for_each_word(text, [&](std::size_t begin, std::size_t end) {
    const std::string_view raw = text.substr(begin, end - begin);
    if (is_ascii(raw)) {
      word.assign(raw);
      for (char& c : word) c = kLower[static_cast<unsigned char>(c)];
    } else {
      word = fold_unicode(raw);
    }
    units.hashes.push_back(XXH3_64bits(word.data(), word.size()));
    units.begins.push_back(begin);
    units.ends.push_back(end);
  });
  return units;
}

}  // namespace temper::filters
