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

struct Token {
  std::u32string text;
  bool is_word = false;
};

/// One bucket's entry in a text's vector.
struct Feature {
  std::uint32_t bucket = 0;
  float value = 0;
};

/// Throws ConfigError for an option out of its range.
void check_features(const TextFeatures& features);
std::vector<Token> tokens_of(std::string_view text);
/// 1 + log(count) of each bucket that occurs, by ascending bucket. `at_start`: the tokens are a text's first ones.
std::vector<Feature> counted(std::span<const Token> tokens, const TextFeatures& features, bool at_start);
/// Divides by the Euclidean length; a vector of zeros stays.
void normalise(std::vector<Feature>& vector);

}  // namespace temper
