// Tokens and hashed n-grams (see text_features.h).
#include "text_features.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

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

/// How many of the bytes from `at` on are ASCII.
std::size_t ascii_run(std::string_view text, std::size_t at) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;
  const std::size_t begin = at;
  for (std::uint64_t some = 0; at + sizeof some <= text.size(); at += sizeof some) {
    std::memcpy(&some, text.data() + at, sizeof some);
    if ((some & kHighBits) != 0) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at - begin;
}

/// NFKC with case folding: full-width letters, ligatures and invisible characters make no difference. Nothing is put
/// together across the front of an ASCII character, so a run of them needs no ICU, but for its last one.
std::u32string folded(std::string_view text) {
  std::u32string points;
  points.reserve(text.size() + kPadding);
  for (std::size_t at = 0; at < text.size();) {
    std::size_t plain = ascii_run(text, at);
    if (at + plain < text.size() && plain > 0) --plain;
    const std::size_t before = points.size();
    points.resize(before + plain);
    for (std::size_t i = 0; i < plain; ++i) {
      const auto c = static_cast<char32_t>(text[at + i]);
      points[before + i] = c + (c - U'A' < 26 ? U'a' - U'A' : 0);
    }
    at += plain;
    if (at == text.size()) break;
    // Short runs between other characters go with them.
    const std::size_t begin = at;
    while (at < text.size()) {
      while (at < text.size() && static_cast<unsigned char>(text[at]) >= 0x80) ++at;
      plain = ascii_run(text.substr(0, std::min(text.size(), at + kPlainRun)), at);
      if (plain == kPlainRun || at + plain == text.size()) break;
      at += plain;
    }
    append_folded(points, text.substr(begin, at - begin));
  }
  return points;
}

// What a character is; one that joins is a sign, too, unless it stands between two of a word.
constexpr std::uint8_t kSign = 1, kWord = 2, kJoins = 4;

std::uint8_t kind_of(char32_t point) {
  const auto c = static_cast<UChar32>(point);
  if ((U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_N_MASK | U_GC_M_MASK)) != 0) return kWord;
  return u_isUWhiteSpace(c) || u_iscntrl(c) ? 0 : kSign;
}

/// The kinds of the ASCII characters among `count`, in a loop without branches. Gives the largest of all.
__attribute__((target_clones("arch=x86-64-v4", "avx2", "default"))) char32_t kinds_of_ascii(const char32_t* points,
                                                                                            std::size_t count,
                                                                                            std::uint8_t* kinds) {
  char32_t largest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const char32_t c = points[i];
    largest = std::max(largest, c);
    const std::uint32_t is_word = static_cast<std::uint32_t>((c | 0x20) - U'a' < 26) |
                                  static_cast<std::uint32_t>(c - U'0' < 10) | static_cast<std::uint32_t>(c == U'_');
    const std::uint32_t is_sign = static_cast<std::uint32_t>(c - 0x21 < 0x7F - 0x21) & ~is_word;
    const auto joins = static_cast<std::uint32_t>(c == U'\'');
    kinds[i] = static_cast<std::uint8_t>(is_sign * kSign + is_word * kWord + joins * kJoins);
  }
  return largest;
}

/// Bit i tells whether kinds[i] has `kind`.
std::uint64_t which_have(const std::array<std::uint8_t, 64>& kinds, std::uint8_t kind) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < kinds.size(); i += 8) {
    std::uint64_t some = 0;
    std::memcpy(&some, kinds.data() + i, sizeof some);
    // Each byte's bit to the uppermost byte, in order.
    some = ((some / kind) & 0x0101010101010101ULL) * 0x0102040810204080ULL;
    bits |= (some >> 56) << i;
  }
  return bits;
}

/// One character more of the runs that begin at each of `count` places, and their buckets. Nothing in a loop depends on what
/// came before, so that the compiler can take many at once.
__attribute__((target_clones("arch=x86-64-v4", "avx2", "default"))) void lengthen_runs(const char32_t* points,
                                                                                       std::size_t count,
                                                                                       std::uint64_t* states) {
  for (std::size_t i = 0; i < count; ++i) states[i] = longer_run(states[i], points[i]);
}
__attribute__((target_clones("arch=x86-64-v4", "avx2", "default"))) void buckets_of_runs(const std::uint64_t* states,
                                                                                         std::size_t count,
                                                                                         std::int64_t bits,
                                                                                         std::uint32_t* buckets) {
  for (std::size_t i = 0; i < count; ++i) buckets[i] = bucket_of_run(states[i], bits);
}

void word_runs(std::vector<std::uint32_t>& buckets, std::u32string_view folded, std::span<const Token> tokens,
               const TextFeatures& features, std::uint64_t empty) {
  for (std::size_t begin = 0; begin < tokens.size(); ++begin) {
    std::uint64_t state = empty;
    const std::size_t end = std::min(tokens.size(), begin + static_cast<std::size_t>(features.word_ngrams));
    for (std::size_t at = begin; at < end; ++at) {
      if (at > begin) state = longer_run(state, U' ');
      state = longer_run(state, folded.substr(tokens[at].begin, tokens[at].end - tokens[at].begin));
      buckets.push_back(bucket_of_run(state, features.bucket_bits));
    }
  }
}

/// How often each bucket is there. Most are there once, which a small table tells without comparing; the rest, and those
/// that share a place with another bucket, are counted one by one.
std::vector<Feature> counts_of(const std::vector<std::uint32_t>& buckets) {
  const std::size_t size = buckets.size();
  std::vector<std::uint8_t> seen(std::bit_ceil(8 * size + 1));
  const std::size_t mask = seen.size() - 1;  // a bucket is a good hash already
  for (const std::uint32_t bucket : buckets) {
    std::uint8_t& times = seen[bucket & mask];
    times = static_cast<std::uint8_t>(times | (times << 1) | 1U);  // 1, then 3, 7, ...: it never gets back
  }
  std::vector<Feature> vector(size + 1);
  std::vector<std::uint32_t> others(size + 1);
  std::size_t single = 0, other = 0;
  for (const std::uint32_t bucket : buckets) {
    const auto once = static_cast<std::size_t>(seen[bucket & mask] == 1);
    vector[single] = {bucket, damped(1)};
    others[other] = bucket;
    single += once;
    other += 1 - once;
  }
  vector.resize(single);
  others.resize(other);
  struct Slot {
    std::uint32_t bucket = 0, count = 0;
  };
  std::vector<Slot> slots(std::bit_ceil(2 * other + 1));
  std::vector<std::size_t> first_of;
  for (const std::uint32_t bucket : others) {
    std::size_t at = bucket & (slots.size() - 1);
    while (slots[at].count > 0 && slots[at].bucket != bucket) at = (at + 1) & (slots.size() - 1);
    if (slots[at].count++ > 0) continue;
    slots[at].bucket = bucket;
    first_of.push_back(at);
  }
  for (const std::size_t at : first_of) vector.push_back({slots[at].bucket, damped(slots[at].count)});
  return vector;
}

void check_range(const char* name, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value >= low && value <= high) return;
  throw ConfigError(std::string(name) + " = " + std::to_string(value) + ": must be from " + std::to_string(low) + " to " +
                    std::to_string(high));
}

}  // namespace

float damped(std::size_t count) {
  // Nearly all counts are small.
  static const std::array<float, 64> kSmall = [] {
    std::array<float, 64> values{};
    for (std::size_t n = 1; n < values.size(); ++n) values[n] = static_cast<float>(1 + std::log(static_cast<double>(n)));
    return values;
  }();
  return count < kSmall.size() ? kSmall[count] : static_cast<float>(1 + std::log(static_cast<double>(count)));
}

void append_word_runs(std::vector<std::uint32_t>& buckets, std::u32string_view folded, std::span<const Token> tokens,
                      const TextFeatures& features) {
  word_runs(buckets, folded, tokens, features, kWordRun);
}

void append_character_runs(std::vector<std::uint32_t>& buckets, std::u32string_view folded, std::span<const Token> tokens,
                           const TextFeatures& features) {
  const auto shortest = static_cast<std::size_t>(features.char_min), longest = static_cast<std::size_t>(features.char_max);
  // All words in a row, each with a mark at both ends, and of each character how many there are from it to its word's end.
  std::u32string marked;
  std::vector<std::uint32_t> left;
  for (const Token& token : tokens) {
    if (!token.is_word) continue;
    const std::size_t size = token.end - token.begin + 2;
    marked += U'<';
    marked += folded.substr(token.begin, size - 2);
    marked += U'>';
    for (std::size_t i = 0; i < size; ++i) left.push_back(static_cast<std::uint32_t>(size - i));
  }
  const std::size_t count = marked.size();
  marked.resize(count + longest);
  std::vector<std::uint64_t> states(count, kCharacterRun);
  std::vector<std::uint32_t> runs(count);
  for (std::size_t length = 1; length <= longest; ++length) {
    lengthen_runs(marked.data() + length - 1, count, states.data());
    if (length < shortest) continue;
    buckets_of_runs(states.data(), count, features.bucket_bits, runs.data());
    // Every run is written, those that leave their word are overwritten by the next.
    std::size_t end = buckets.size();
    buckets.resize(end + count);
    std::uint32_t* out = buckets.data();
    for (std::size_t i = 0; i < count; ++i) {
      out[end] = runs[i];
      end += static_cast<std::size_t>(left[i] >= length);
    }
    buckets.resize(end);
  }
}

void check_features(const TextFeatures& features) {
  check_range("bucket_bits", features.bucket_bits, 8, 24);
  check_range("word_ngrams", features.word_ngrams, 0, kMostWordNgrams);
  check_range("char_max", features.char_max, 0, 10);
  check_range("leading_words", features.leading_words, 0, 1000);
  if (features.char_max > 0) check_range("char_min", features.char_min, 1, features.char_max);
  if (features.word_ngrams == 0 && features.char_max == 0) {
    throw ConfigError("word_ngrams and char_max are both 0, so that nothing of a text is seen; set one of them");
  }
}

Tokens tokens_of(std::string_view text) {
  static_assert(std::endian::native == std::endian::little);  // which_have
  constexpr std::size_t kBlock = 64;
  Tokens tokens{folded(text), {}};
  const std::u32string_view points = tokens.folded;
  struct Block {
    std::uint64_t words = 0, signs = 0, joins = 0;
  };
  // Bit by bit, with an empty block at both ends.
  std::vector<Block> blocks(points.size() / kBlock + 3);
  for (std::size_t begin = 0; begin < points.size(); begin += kBlock) {
    std::array<std::uint8_t, kBlock> kinds{};
    const std::size_t count = std::min(kBlock, points.size() - begin);
    if (kinds_of_ascii(points.data() + begin, count, kinds.data()) >= 0x80) {
      for (std::size_t i = 0; i < count; ++i) {
        if (points[begin + i] >= 0x80) kinds[i] = kind_of(points[begin + i]);
      }
    }
    blocks[begin / kBlock + 1] = {which_have(kinds, kWord), which_have(kinds, kSign), which_have(kinds, kJoins)};
  }
  const auto behind = [](std::uint64_t bits, std::uint64_t before) { return (bits << 1) | (before >> (kBlock - 1)); };
  const auto in_front = [](std::uint64_t bits, std::uint64_t next) { return (bits >> 1) | (next << (kBlock - 1)); };
  std::uint64_t before = 0;
  for (std::size_t b = 1; b + 1 < blocks.size(); ++b) {
    Block& block = blocks[b];
    const std::uint64_t words = block.words;
    const std::uint64_t inner = block.joins & behind(words, before) & in_front(words, blocks[b + 1].words);
    block.words |= inner;
    block.signs &= ~inner;
    before = words;
  }
  const auto begins_of = [&](std::size_t b) {
    return blocks[b].signs | (blocks[b].words & ~behind(blocks[b].words, blocks[b - 1].words));
  };
  std::size_t count = 0;
  for (std::size_t b = 1; b + 1 < blocks.size(); ++b) count += static_cast<std::size_t>(std::popcount(begins_of(b)));
  tokens.all.resize(count);
  Token *begun = tokens.all.data(), *ended = begun;
  for (std::size_t b = 1; b + 1 < blocks.size(); ++b) {
    const Block& block = blocks[b];
    const std::size_t at = (b - 1) * kBlock;
    for (std::uint64_t bits = begins_of(b); bits != 0; bits &= bits - 1, ++begun) {
      const auto i = static_cast<std::size_t>(std::countr_zero(bits));
      begun->begin = at + i;
      begun->is_word = ((block.words >> i) & 1) != 0;
    }
    const std::uint64_t ends = block.signs | (block.words & ~in_front(block.words, blocks[b + 1].words));
    for (std::uint64_t bits = ends; bits != 0; bits &= bits - 1, ++ended) {
      ended->end = at + static_cast<std::size_t>(std::countr_zero(bits)) + 1;
    }
  }
  tokens.folded.append(kPadding, U'\0');
  return tokens;
}

std::vector<Feature> counted(std::u32string_view folded, std::span<const Token> tokens, const TextFeatures& features,
                             bool at_start) {
  std::vector<std::uint32_t> buckets;
  if (!tokens.empty()) buckets.reserve(4 * (tokens.back().end - tokens.front().begin) + 64);
  if (features.word_ngrams > 0) {
    append_word_runs(buckets, folded, tokens, features);
    const auto leading = std::min(tokens.size(), static_cast<std::size_t>(features.leading_words));
    if (at_start) word_runs(buckets, folded, tokens.first(leading), features, kLeadingRun);
  }
  append_character_runs(buckets, folded, tokens, features);
  return counts_of(buckets);
}

}  // namespace temper
