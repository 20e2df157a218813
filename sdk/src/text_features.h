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
struct Tokens {
  std::u32string folded;
  std::vector<Token> all;
};

/// One bucket's entry in a text's vector.
struct Feature {
  std::uint32_t bucket = 0;
  float value = 0;
};

/// Throws ConfigError for an option out of its range.
void check_features(const TextFeatures& features);
Tokens tokens_of(std::string_view text);
/// 1 + log(count) of each bucket that occurs, each once, in an order that depends on the tokens only. `tokens` are some of
/// the text's, one behind the other; `at_start`: its first ones.
std::vector<Feature> counted(std::u32string_view folded, std::span<const Token> tokens, const TextFeatures& features,
                             bool at_start);

}  // namespace temper
