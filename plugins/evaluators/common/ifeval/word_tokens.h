// English word tokens as the Penn Treebank writes them (contractions apart, punctuation apart, hyphenated words whole),
// which is what "words in all capitals" are counted in.
#pragma once

#include <string>
#include <vector>

namespace temper::instruction_following {

std::vector<std::string> word_tokens(const std::string& text);

}  // namespace temper::instruction_following
