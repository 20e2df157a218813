// Tokens and hashed n-grams (see text_features.h).
#include "text_features.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace temper {
namespace {

constexpr std::size_t kPlainRun = 16;

const icu::Normalizer2& case_folding() {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* fold = icu::Normalizer2::getNFKCCasefoldInstance(status);
  if (U_FAILURE(status)) throw PluginError(std::string("ICU cannot fold the case of a text: ") + u_errorName(status));
  return *fold;
}

void append_folded(std::u32string& points, std::string_view part) {
  const auto source = icu::UnicodeString::fromUTF8({part.data(), static_cast<std::int32_t>(part.size())});
  UErrorCode status = U_ZERO_ERROR;
  icu::UnicodeString result;
  case_folding().normalize(source, result, status);
  if (U_FAILURE(status)) throw PluginError(std::string("ICU cannot fold the case of a text: ") + u_errorName(status));
  for (std::int32_t at = 0; at < result.length(); at = result.moveIndex32(at, 1)) {
    const UChar32 c = result.char32At(at);
    points.push_back(c == 0x2019 || c == 0x2018 ? U'\'' : static_cast<char32_t>(c));
  }
}

/// NFKC with case folding: full-width letters, ligatures and invisible characters make no difference. Nothing is put
/// together across the front of an ASCII character, so a run of them needs no ICU, but for its last one.
std::u32string folded(std::string_view text) {
  std::u32string points;
  points.reserve(text.size());
  const auto is_ascii = [&](std::size_t at) { return static_cast<unsigned char>(text[at]) < 0x80; };
  for (std::size_t at = 0; at < text.size();) {
    if (is_ascii(at) && (at + 1 == text.size() || is_ascii(at + 1))) {
      const char c = text[at++];
      points.push_back(static_cast<char32_t>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
      continue;
    }
    // Short runs between other characters go with them.
    const std::size_t begin = at;
    std::size_t plain = 0;
    for (++at; at < text.size() && plain < kPlainRun; ++at) plain = is_ascii(at) ? plain + 1 : 0;
    at -= plain;
    append_folded(points, text.substr(begin, at - begin));
  }
  return points;
}

bool is_word_character(char32_t point) {
  const auto c = static_cast<UChar32>(point);
  if (c < 0x80) return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return (U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_N_MASK | U_GC_M_MASK)) != 0;
}

bool is_visible(char32_t point) {
  const auto c = static_cast<UChar32>(point);
  return !u_isUWhiteSpace(c) && !u_iscntrl(c);
}

/// FNV-1a over code points, then SplitMix64's output function, so that all bits are good.
class Hash {
 public:
  explicit Hash(char32_t kind) { add(kind); }
  void add(char32_t point) { state_ = (state_ ^ point) * 0x100000001b3ULL; }
  void add(std::u32string_view text) {
    for (const char32_t c : text) add(c);
  }
  std::uint32_t bucket(std::int64_t bits) const {
    std::uint64_t z = state_ + 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<std::uint32_t>((z ^ (z >> 31)) >> (64 - bits));
  }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

void add_word_ngrams(std::vector<std::uint32_t>& buckets, std::u32string_view folded, std::span<const Token> tokens,
                     const TextFeatures& features, char32_t kind) {
  for (std::size_t begin = 0; begin < tokens.size(); ++begin) {
    Hash hash(kind);
    const std::size_t end = std::min(tokens.size(), begin + static_cast<std::size_t>(features.word_ngrams));
    for (std::size_t at = begin; at < end; ++at) {
      if (at > begin) hash.add(U' ');
      hash.add(folded.substr(tokens[at].begin, tokens[at].end - tokens[at].begin));
      buckets.push_back(hash.bucket(features.bucket_bits));
    }
  }
}

/// `marked` is the word with a mark at each end.
void add_char_ngrams(std::vector<std::uint32_t>& buckets, std::u32string_view marked, const TextFeatures& features) {
  const auto shortest = static_cast<std::size_t>(features.char_min), longest = static_cast<std::size_t>(features.char_max);
  for (std::size_t begin = 0; begin + shortest <= marked.size(); ++begin) {
    Hash hash(U'c');
    const std::size_t end = std::min(marked.size(), begin + longest);
    for (std::size_t at = begin; at < begin + shortest - 1; ++at) hash.add(marked[at]);
    for (std::size_t at = begin + shortest - 1; at < end; ++at) {
      hash.add(marked[at]);
      buckets.push_back(hash.bucket(features.bucket_bits));
    }
  }
}

/// 1 + log(count); nearly all counts are small.
float damped(std::size_t count) {
  static const std::array<float, 64> kSmall = [] {
    std::array<float, 64> values{};
    for (std::size_t n = 1; n < values.size(); ++n) values[n] = static_cast<float>(1 + std::log(static_cast<double>(n)));
    return values;
  }();
  return count < kSmall.size() ? kSmall[count] : static_cast<float>(1 + std::log(static_cast<double>(count)));
}

void check_range(const char* name, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value >= low && value <= high) return;
  throw ConfigError(std::string(name) + " = " + std::to_string(value) + ": must be from " + std::to_string(low) + " to " +
                    std::to_string(high));
}

}  // namespace

void check_features(const TextFeatures& features) {
  check_range("bucket_bits", features.bucket_bits, 8, 24);
  check_range("word_ngrams", features.word_ngrams, 0, 5);
  check_range("char_max", features.char_max, 0, 10);
  check_range("leading_words", features.leading_words, 0, 1000);
  if (features.char_max > 0) check_range("char_min", features.char_min, 1, features.char_max);
  if (features.word_ngrams == 0 && features.char_max == 0) {
    throw ConfigError("word_ngrams and char_max are both 0, so that nothing of a text is seen; set one of them");
  }
}

Tokens tokens_of(std::string_view text) {
  Tokens tokens{folded(text), {}};
  const std::u32string_view points = tokens.folded;
  tokens.all.reserve(points.size() / 5 + 1);
  for (std::size_t at = 0; at < points.size();) {
    const std::size_t begin = at;
    if (!is_word_character(points[at])) {
      ++at;
      if (is_visible(points[begin])) tokens.all.push_back({begin, at, false});
      continue;
    }
    while (at < points.size() && (is_word_character(points[at]) ||
                                  (points[at] == U'\'' && at + 1 < points.size() && is_word_character(points[at + 1])))) {
      ++at;
    }
    tokens.all.push_back({begin, at, true});
  }
  return tokens;
}

std::vector<Feature> counted(std::u32string_view folded, std::span<const Token> tokens, const TextFeatures& features,
                             bool at_start) {
  std::vector<std::uint32_t> buckets;
  if (!tokens.empty()) buckets.reserve(4 * (tokens.back().end - tokens.front().begin));
  if (features.word_ngrams > 0) {
    add_word_ngrams(buckets, folded, tokens, features, U'w');
    const auto leading = std::min(tokens.size(), static_cast<std::size_t>(features.leading_words));
    if (at_start) add_word_ngrams(buckets, folded, tokens.first(leading), features, U'l');
  }
  if (features.char_max > 0) {
    std::u32string marked;
    for (const Token& token : tokens) {
      if (!token.is_word) continue;
      marked.assign(1, U'<').append(folded, token.begin, token.end - token.begin).append(1, U'>');
      add_char_ngrams(buckets, marked, features);
    }
  }
  // A bucket is a good hash already. Half full at most.
  struct Slot {
    std::uint32_t bucket = 0, count = 0;
  };
  std::vector<Slot> slots(std::bit_ceil(2 * buckets.size() + 1));
  std::vector<std::uint32_t> first_of;
  first_of.reserve(buckets.size());
  for (const std::uint32_t bucket : buckets) {
    std::size_t at = bucket & (slots.size() - 1);
    while (slots[at].count > 0 && slots[at].bucket != bucket) at = (at + 1) & (slots.size() - 1);
    if (slots[at].count++ == 0) {
      slots[at].bucket = bucket;
      first_of.push_back(static_cast<std::uint32_t>(at));
    }
  }
  std::vector<Feature> vector;
  vector.reserve(first_of.size());
  for (const std::uint32_t at : first_of) vector.push_back({slots[at].bucket, damped(slots[at].count)});
  return vector;
}

}  // namespace temper
