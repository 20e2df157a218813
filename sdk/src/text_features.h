// From a text to counts of hashed n-grams: what a text classifier sees. Private to the SDK; see temper/text_classifier.h for
// what the options mean. Every step is in a fixed order, so that equal texts give equal bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "temper/text_classifier.h"

namespace temper {

/// A part of a folded text.
struct Token {
  std::size_t begin = 0, end = 0;
  bool is_word = false;
};
/// Behind the folded text stand kPadding characters more, so that what reads several at once stays inside.
constexpr std::size_t kPadding = 8;
struct Tokens {
  std::u32string folded;
  std::vector<Token> all;
};

/// One bucket's entry in a text's vector.
struct Feature {
  std::uint32_t bucket = 0;
  float value = 0;
};

// Hashes of runs: FNV-1a over code points, then SplitMix64's output function, so that all bits are good. What a run is of is
// hashed in front of it.
constexpr std::uint64_t longer_run(std::uint64_t state, char32_t point) { return (state ^ point) * 0x100000001b3ULL; }
constexpr std::uint64_t longer_run(std::uint64_t state, std::u32string_view points) {
  for (const char32_t point : points) state = longer_run(state, point);
  return state;
}
constexpr std::uint64_t empty_run(char32_t kind) { return longer_run(0xcbf29ce484222325ULL, kind); }
constexpr std::uint64_t kWordRun = empty_run(U'w'), kLeadingRun = empty_run(U'l'), kCharacterRun = empty_run(U'c');
constexpr std::uint32_t bucket_of_run(std::uint64_t state, std::int64_t bits) {
  std::uint64_t z = state + 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return static_cast<std::uint32_t>((z ^ (z >> 31)) >> (64 - bits));
}
constexpr std::int64_t kMostWordNgrams = 5;

/// Of runs of words within `tokens`, each as often as it occurs.
void append_word_runs(std::vector<std::uint32_t>& buckets, std::u32string_view folded, std::span<const Token> tokens,
                      const TextFeatures& features);
/// Of runs of characters inside the words of `tokens`, each as often as it occurs.
void append_character_runs(std::vector<std::uint32_t>& buckets, std::u32string_view folded, std::span<const Token> tokens,
                           const TextFeatures& features);
/// What a bucket that occurs so often counts: 1 + log(count).
float damped(std::size_t count);

/// Throws ConfigError for an option out of its range.
void check_features(const TextFeatures& features);
Tokens tokens_of(std::string_view text);
/// 1 + log(count) of each bucket that occurs, each once, in an order that depends on the tokens only. `tokens` are some of
/// the text's, one behind the other; `at_start`: its first ones.
std::vector<Feature> counted(std::u32string_view folded, std::span<const Token> tokens, const TextFeatures& features,
                             bool at_start);

}  // namespace temper
