// Encodes many texts with a tokenizer.json, for comparisons with other libraries (tests/reference/hf_bpe/compare_real.py):
// ENCODE_LINES TOKENIZER plain|special < TEXTS. Reads one JSON string a line and writes {"ids": [...], "back": true} for
// each: back says whether decoding gives the text again. Built on request only.
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "temper/error.h"
#include "tokenizer.h"

int main(int argc, char** argv) {
  using namespace temper;
  if (argc != 3) {
    std::fprintf(stderr, "usage: encode_lines TOKENIZER plain|special < TEXTS\n");
    return 2;
  }
  try {
    const hf_bpe_plugin::HfBpeTokenizer tokenizer({argv[1]}, {});
    const bool special = std::string(argv[2]) == "special";
    for (std::string line; std::getline(std::cin, line);) {
      const auto text = nlohmann::json::parse(line).get<std::string>();
      const auto ids = special ? tokenizer.encode_special(text) : tokenizer.encode(text);
      std::cout << nlohmann::json{{"ids", ids}, {"back", tokenizer.decode(ids) == text}} << '\n';
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "encode_lines: %s\n", error.what());
    return 1;
  }
  return 0;
}
